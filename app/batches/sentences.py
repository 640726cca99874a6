"""What a person is told when a batch does not start or does not go on."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "batch-empty": (
        422,
        "Rien n’a été fait : aucun dossier n’est coché. Cochez-en au moins un, puis recommencez.",
    ),
    "batch-too-large": (
        422,
        "Rien n’a été fait : {count} dossiers sont cochés, un lot en contient {limit} au plus. Décochez-en, puis recommencez.",
    ),
    "batch-nothing": (
        409,
        "Rien n’a été fait : aucun de ces dossiers ne peut être {done}. {why} Rechargez la liste, puis recommencez.",
    ),
    "batch-desk-needed": (
        422,
        "Rien n’a été confié : choisissez d’abord à quel bureau vous confiez ces dossiers.",
    ),
    "batch-desk-changed": (
        409,
        "Rien n’a été confié : le bureau choisi a changé dans une autre page. Relisez ci-dessous à qui vont ces dossiers, puis confirmez.",
    ),
    "batch-changed": (
        409,
        "Rien n’a été fait : ce lot a changé depuis que cette page est ouverte. Relisez sa page comme elle est maintenant, de quels dossiers il s’agit et ce qui en sera fait, puis confirmez.",
    ),
    "batch-words-changed": (
        409,
        "Rien n’a été signé : la qualité dans laquelle vous signez l’un de ces dossiers, ou celui en l’absence de qui, a changé depuis que cette page est ouverte. Rechargez-la : elle dit comment vous signez maintenant, ou pourquoi vous ne signez plus.",
    ),
    "batch-started": (
        409,
        "Ce lot a déjà commencé : sa liste ne change plus. Rechargez la page pour voir où il en est.",
    ),
    "batch-over": (
        409,
        "Ce lot est terminé : rien de plus n’a été fait. Rechargez la page pour voir ses résultats.",
    ),
    "batch-unknown": (404, "Ce lot n’existe pas, ou il est à une autre personne. Revenez à « À traiter »."),
    "batch-reason-needed": (
        422,
        "Aucun dossier n’a été rejeté : écrivez le motif, il sera lu par les déposants et par ceux qui ont déjà visé.",
    ),
    "batch-factor": (
        403,
        "La commune demande maintenant une double authentification avant de signer. Reprenez le lot : elle vous sera demandée une fois pour tout ce qui reste.",
    ),
    "batch-elsewhere": (
        409,
        "Ce lot continue dans une autre page : celle-ci s’est arrêtée. Ce qui est signé reste signé ; rechargez pour voir où il en est.",
    ),
}

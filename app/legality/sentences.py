"""What people are told of the Préfecture's letters, of replies, cancellations and acts sent on paper."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "report-what": (
        422,
        "Rien n’a été enregistré : cochez au moins une décision et donnez la date de la séance où le maire en a rendu compte.",
    ),
    "report-when": (
        422,
        "Rien n’a été enregistré : la séance est dans le futur, ou avant la signature d’une des décisions cochées. Vérifiez la date.",
    ),
    "report-moved": (
        409,
        "Rien n’a été enregistré : une des décisions cochées n’est plus à rapporter, ou un autre bureau l’a déposée. Rechargez la page.",
    ),
    "reply-wrong": (
        422,
        "Ce courrier n’attend pas cette réponse. Rouvrez-le et choisissez parmi celles qu’il propose.",
    ),
    "letter-undated": (
        409,
        "La date de ce courrier n’a pas pu être lue : la réponse ne pourrait pas le désigner. Répondez-y sur le site de "
        "l’opérateur, puis classez ce courrier.",
    ),
    "reply-open": (
        409,
        "Une réponse à ce courrier existe déjà. Ouvrez-la depuis le courrier, ou abandonnez-la avant d’en préparer une autre.",
    ),
    "reply-one-document": (
        422,
        "Cette réponse part avec un seul document. Réunissez vos pages en un PDF, ou choisissez l’envoi de pièces.",
    ),
    "reply-without-documents": (
        422,
        "Rien n’a été préparé : cette réponse envoie les pièces demandées et n’en porte aucune. Joignez-en une au moins, en plus "
        "de la lettre, ou choisissez de refuser l’envoi.",
    ),
    "reply-untyped": (
        422,
        "Rien n’a été préparé : un fichier n’a pas de type, ou il n’est pas connu pour cet acte. Choisissez le type de la lettre "
        "et de chaque pièce dans sa liste, puis joignez de nouveau les fichiers.",
    ),
    "letter-needs-reply": (
        409,
        "Ce courrier attend une réponse : votre silence aurait un effet. Préparez la réponse depuis cette page.",
    ),
    "referral-needs-words": (
        422,
        "Le déféré n’a pas été classé : écrivez la suite donnée (avocat, mémoire, retrait de l’acte), en 10 signes au moins et "
        "500 au plus. Elle est inscrite au journal.",
    ),
    "appeal-what": (
        422,
        "Rien n’a été enregistré : choisissez le recours et écrivez de qui il vient, en {longest} caractères au plus.",
    ),
    "appeal-when": (
        422,
        "Rien n’a été enregistré : donnez le jour où le recours est parvenu à la commune, entre la signature de l’acte et "
        "aujourd’hui.",
    ),
    "appeal-known": (409, "Ce recours est déjà enregistré. Rechargez la page."),
    "appeal-full": (
        409,
        "Rien n’a été enregistré : cet acte porte déjà {most} recours. Gardez celui-ci à côté, et prévenez l’administrateur.",
    ),
    "appeal-over": (409, "Ce recours n’attend plus de suite. Rechargez la page."),
    "appeal-outcome": (
        422,
        "Rien n’a été enregistré : choisissez la suite du recours et donnez son jour, entre celui du recours et aujourd’hui.",
    ),
    "appeal-pending": (409, "Ce recours n’a pas de suite à corriger. Rechargez la page."),
    "appeal-reason": (
        422,
        "Rien n’a été corrigé : donnez une autre suite avec son jour, ou aucune, et écrivez pourquoi, en {longest} caractères "
        "au plus.",
    ),
    "suspension-elsewhere": (
        409,
        "Rien n’a été enregistré : une demande de suspension ne vient qu’avec le déféré d’un acte reçu par la préfecture. Enregistrez-la sur la page de ce déféré.",
    ),
    "suspension-when": (
        422,
        "Rien n’a été enregistré : donnez le jour de la demande de suspension, entre la réception de l’acte par la préfecture et "
        "aujourd’hui.",
    ),
    "suspension-ruling": (
        422,
        "Rien n’a été enregistré : donnez la décision du juge avec son jour, pas avant la demande ni après aujourd’hui ; ou "
        "laissez les deux vides.",
    ),
    "motive-needed": (422, "Indiquez pourquoi l’acte est annulé, en 500 signes au plus."),
    "not-cancellable": (
        409,
        "Cet acte ne s’annule pas par cette voie : il n’a pas d’accusé électronique, ou son annulation est déjà demandée. "
        "Voyez sa page « L’acte à la préfecture ».",
    ),
    "not-at-prefecture": (409, "Cet acte n’a pas d’accusé de la préfecture. Revenez quand il sera arrivé."),
    "not-enforceable": (
        409,
        "Cet acte n’est pas exécutoire : il faut sa réception par la préfecture et sa publication, et qu’il ne soit ni suspendu ni annulé.",
    ),
    "nothing-to-stamp": (
        409,
        "L’acte n’est pas un PDF : il n’a pas de copie tamponnée. Ouvrez l’original signé.",
    ),
    "no-operator-slip": (
        409,
        "L’opérateur n’a pas de bordereau d’acquittement de cet acte. Prenez l’accusé de la préfecture, gardé avec l’acte : lui seul fait foi.",
    ),
    "no-operator-copy": (
        409,
        "L’opérateur n’a pas de copie tamponnée de cet acte. Prenez la copie tamponnée que Paraphe fait, avec les mêmes dates.",
    ),
    "operator-silent": (
        409,
        "L’opérateur n’a pas donné ce document : {why}. Réessayez plus tard ; la copie tamponnée que Paraphe fait et l’accusé "
        "de la préfecture sont ici.",
    ),
    "order-needed": (422, "Indiquez l’arrêté du préfet qui suspend la convention."),
    "convention-in-force": (
        409,
        "La convention avec la préfecture est en vigueur : l’acte part par voie électronique. Si le préfet l’a suspendue, "
        "demandez à l’administrateur de l’enregistrer.",
    ),
    "paper-not-there": (409, "Cet acte n’attend pas sa transmission à la préfecture. Rouvrez son dossier."),
    "paper-left-already": (
        409,
        "Cet acte est déjà parti, ou peut l’être : attendez la réponse de la préfecture avant de l’envoyer sur papier.",
    ),
    "paper-received-when": (422, "Indiquez le jour où la préfecture a reçu l’acte."),
    "paper-no-proof": (
        422,
        "Joignez la preuve de réception, numérisée en PDF : cachet d’arrivée ou avis de réception.",
    ),
}

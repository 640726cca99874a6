"""`python -m workflows.families`: the families of documents that the house knows, found by walking their folders.

It asks for no setting: the law stands without an installation.
"""

from workflows.family import families


def _count(number: int, noun: str) -> str:
    return f"{number:2} {noun}{'s' if number > 1 else ''}"


def main() -> None:
    """One line for each: its name, its label, how many fields and steps it has, the stages that none of its circuits skips."""
    for family in families().values():
        stages = " → ".join(stage.label for stage in family.stages)
        print(
            f"{family.name:19} {family.label:24} {_count(len(family.fields), 'champ')}, "
            f"{_count(len(family.circuit.steps), 'étape')}, "
            f"obligatoires : {stages}"
        )


if __name__ == "__main__":
    main()

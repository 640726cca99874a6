"""Which version this is: said here and nowhere else."""

VERSION = "1.0.0b1"  # as Python writes it (PEP 440)
WORDS = {"a": "-alpha.", "b": "-beta.", "rc": "-rc."}


def public_version(version: str = VERSION) -> str:
    """As it is written for people, in tags and in the changelog (semver.org): « 1.0.0-beta.1 »."""
    for short, word in sorted(WORDS.items(), key=lambda pair: -len(pair[0])):
        head, mark, number = version.partition(short)
        if mark:
            return head + word + number
    return version

"""Which regular expressions may constrain a text: short ones whose repetitions do not multiply.

Only size is judged here; whether a pattern is well-formed is for the compiler to say.
"""

import re

MAX_PATTERN_BYTES = 512
# The states of an automaton grow with the product of nested bounded repetitions.
MAX_REPETITIONS = 2_000
MAX_NESTING = 32

# One step: an escape, a class, a group's bracket, a bar, a quantifier, or any other character.
STEP = re.compile(
    r"\\(?:[pPuUx]\{[^}]*\}|.)"
    r"|\[\^?\]?(?:\\.|[^\]\\])*\]"
    r"|\((?:\?(?:P?<[A-Za-z_]\w*>|[a-zA-Z-]*:))?"
    r"|\)|\|"
    r"|(?:[*+?]|\{(?P<low>\d*)(?P<comma>,?)(?P<high>\d*)\})\??"
    r"|.",
    re.DOTALL,
)


class Group:
    """What is known of a group while it is read."""

    def __init__(self) -> None:
        self.largest = 1  # the product of bounded repetitions, in its largest part
        self.has_empty_rival = False  # a branch that is nothing but repetitions
        self.fixed_parts = 0
        self.repeated_parts = 0

    def end_branch(self) -> None:
        """A branch of repetitions alone can be split up in many ways when repeated itself."""
        self.has_empty_rival |= self.repeated_parts > 0 and self.fixed_parts == 0
        self.fixed_parts = self.repeated_parts = 0


def is_safe_pattern(pattern: str) -> bool:
    """Whether `pattern` is short, and its repetitions are neither nested bombs nor too many."""
    if len(pattern.encode("utf-8")) > MAX_PATTERN_BYTES:
        return False
    groups = [Group()]
    last = Group()
    for step in STEP.finditer(pattern):
        text = step[0]
        if text.startswith("("):
            groups.append(Group())
        elif text == ")" and len(groups) > 1:
            last = groups.pop()
            last.end_branch()
            groups[-1].fixed_parts += 1
        elif text == "|":
            groups[-1].end_branch()
        elif text[0] in "*+?{" and (text[0] != "{" or step["low"]):
            if not _repeat(groups[-1], last, step):
                return False
        else:
            last = Group()
            groups[-1].fixed_parts += text not in "^$"
        groups[-1].largest = max(groups[-1].largest, last.largest)
        if len(groups) > MAX_NESTING:
            return False
    return True


def _repeat(group: Group, part: Group, step: re.Match[str]) -> bool:
    """Apply the quantifier `step` to `part`, the newest in `group`; false for a bomb."""
    is_loop = step[0][0] in "*+" or (step["comma"] and not step["high"])
    bounds = [int(number[:9]) for number in (step["low"], step["high"]) if number]
    most = max(bounds, default=1)
    if part.has_empty_rival and (is_loop or most > 1):
        return False
    part.largest *= max(most, 1)
    varies = step[0][0] != "{" or bool(step["comma"])
    if varies and group.fixed_parts:
        group.fixed_parts -= 1
        group.repeated_parts += 1
    return part.largest <= MAX_REPETITIONS

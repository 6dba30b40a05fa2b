"""Which regular expressions may constrain a text: short ones whose repetitions do not multiply.

Only size is judged here; whether a pattern is well-formed is for the compiler to say.
"""

import re

MAX_PATTERN_BYTES = 512
# The states of an automaton grow with the product of nested bounded repetitions.
MAX_REPETITIONS = 2_000
MAX_NESTING = 32
# Beside a limit of length or another pattern both count at once, and few counters fit.
MAX_REPETITIONS_COMBINED = 5

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
        self.varying = 0  # the parts of this group that may repeat a varying number of times
        self.has_empty_rival = False  # a branch that is nothing but repetitions
        self.fixed_parts = 0
        self.repeated_parts = 0

    def end_branch(self) -> None:
        """A branch of repetitions alone can be split up in many ways when repeated itself."""
        self.has_empty_rival |= self.repeated_parts > 0 and self.fixed_parts == 0
        self.fixed_parts = self.repeated_parts = 0


def is_safe_pattern(pattern: str, combined: bool = False) -> bool:
    """Whether `pattern` is short, and its repetitions are neither nested bombs nor too many.

    `combined` says that the same text must also satisfy lengths, a format or other patterns.
    """
    if len(pattern.encode("utf-8")) > MAX_PATTERN_BYTES:
        return False
    reading = Reading()
    if not all(map(reading.take, STEP.finditer(pattern))):
        return False
    varying = reading.groups[0].varying + (not pattern.startswith("^"))
    return not combined or varying < 2 or reading.largest <= MAX_REPETITIONS_COMBINED


class Reading:
    """A pattern as it is read, step by step; `take` is false at the first bomb."""

    def __init__(self) -> None:
        self.groups = [Group()]
        self.last = Group()

    @property
    def largest(self) -> int:
        """The largest product of bounded repetitions so far."""
        return self.groups[0].largest

    def take(self, step: re.Match[str]) -> bool:
        """The next step of the pattern."""
        text = step[0]
        if text.startswith("("):
            self.groups.append(Group())
        elif text == ")" and len(self.groups) > 1:
            self.last = self.groups.pop()
            self.last.end_branch()
            self.groups[-1].varying += self.last.varying
            self.groups[-1].fixed_parts += 1
        elif text == "|":
            self.groups[-1].end_branch()
        elif text[0] in "*+?" or (text[0] == "{" and step["low"]):
            if not self.repeat(step):
                return False
        else:
            self.last = Group()
            self.groups[-1].fixed_parts += text not in "^$"
        group = self.groups[-1]
        group.largest = max(group.largest, self.last.largest)
        return len(self.groups) <= MAX_NESTING

    def repeat(self, step: re.Match[str]) -> bool:
        """Apply the quantifier `step` to the newest part."""
        text = step[0]
        is_loop = text[0] in "*+" or bool(step["comma"] and not step["high"])
        most = max((int(number[:9]) for number in (step["low"], step["high"]) if number), default=1)
        if self.last.has_empty_rival and (is_loop or most > 1):
            return False
        self.last.largest *= max(most, 1)
        group = self.groups[-1]
        group.varying += self.last.varying > 0  # each repetition varies on its own
        if text[0] != "{" or step["comma"]:
            group.varying += 1
            if group.fixed_parts:
                group.fixed_parts -= 1
                group.repeated_parts += 1
        return self.last.largest <= MAX_REPETITIONS

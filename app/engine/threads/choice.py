"""Chooses a number of threads from a sequence of looks at the machine; no clock, no system."""

from app.engine.threads.machine import Look

# Below this nobody waits for a core, so that others use all that they want.
SPARE_CORES = 0.2
# A neighbour counts from this much of a core on, and until it wants less than that much. What a
# neighbour gets only grows when we take less, so nobody crosses both of them because of us.
ARRIVED, LEFT = 0.6, 0.35
# Looks in a row that must say the same, and how many of them when it goes to and fro.
SURE, SUREST = 2, 16
# Looks without a change after which one is not a return.
CALM = 20


def wanted_by_others(look: Look, threads: int) -> float:
    """How many cores our neighbours would use if they could. Where all cores are busy, the kernel
    divides them by the number of those who want one: theirs are to ours as the times are."""
    if look.idle > SPARE_CORES or look.own <= 0:
        return look.foreign
    return max(look.foreign, look.foreign * threads / look.own)


def threads_beside(neighbours: int, most: int, cores: int) -> int:
    """Threads meet at every step, and one that shares a core gets half of it: so all would be half
    as fast. Those that have a core each are faster, unless that leaves less than half of them."""
    left = min(most, cores - neighbours)
    return left if 2 * left >= most else most


class ThreadChoice:
    """`threads` of at most `most`; tell it of the machine with `see`."""

    def __init__(self, most: int) -> None:
        self.most = self.threads = most
        self._neighbours = 0
        self._said = 0
        self._needed = SURE
        self._since_change = CALM

    def see(self, look: Look) -> int:
        """A look was taken: how many threads from here on."""
        self._since_change += 1
        counted = self._count(wanted_by_others(look, self.threads))
        chosen = threads_beside(counted, self.most, look.cores)
        self._said = self._said + 1 if chosen != self.threads else 0
        if self._said >= self._needed:
            self._change(chosen)
        if self._said == 0 or self._since_change == 0:
            self._neighbours = counted
        if self._since_change > CALM:
            self._needed = SURE
        return self.threads

    def _count(self, wanted: float) -> int:
        arrived = int(wanted + 1 - ARRIVED)
        left = int(wanted + 1 - LEFT)
        return max(arrived, min(self._neighbours, left))

    def _change(self, chosen: int) -> None:
        returned = self._since_change <= CALM
        self._needed = min(SUREST, 2 * self._needed) if returned else SURE
        self.threads = chosen
        self._said = self._since_change = 0

"""Chooses a number of threads from a sequence of looks at the machine; no clock, no system."""

from app.engine.threads.machine import Look

# Below this nobody waits for a core, so that others use all that they want.
SPARE_CORES = 0.2
# What is wanted is at most so many times what is had: a program that never waits gets half or more
# of a core, and those that often sleep, as our own API workers, get nearly all that they want.
MOST_DENIED = 1.6
# A neighbour counts from this much of a core on, and until it wants less than that much. What a
# neighbour gets only grows when we take less, so nobody crosses both of them because of us.
ARRIVED, LEFT = 0.6, 0.35
# Looks in a row that must say the same; twice as many after each change, up to the second, until
# so many looks in a row have agreed with what is.
SURE, SUREST, CALM = 2, 16, 20
# An engine that uses less has nothing to do. Who computes in its pauses has mostly gone when it is
# asked again, as do those who take turns with us: so many looks until one is here to stay.
WORKING_CORES, SETTLED = 0.2, 10


def wanted_by_others(look: Look, threads: int) -> float:
    """How many cores our neighbours would use if they could. Where none is spare, it shows in how
    long our threads wait: one that shares its core with a neighbour does so half of the time."""
    if look.idle > SPARE_CORES or look.own < WORKING_CORES:
        return look.foreign
    theirs = min(look.foreign, max(0, look.cores - threads))
    return min(theirs + 2 * look.waited * threads, MOST_DENIED * look.foreign)


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
        self._said = self._calm = 0
        self._needed = SURE
        self._resting = True

    def see(self, look: Look) -> int:
        """A look was taken: how many threads from here on."""
        counted = self._count(wanted_by_others(look, self.threads))
        chosen = threads_beside(counted, self.most, look.cores)
        resting = look.own < WORKING_CORES
        if chosen == self.threads:
            self._neighbours, self._said, self._calm = counted, 0, self._calm + 1
        else:
            self._said, self._calm = self._said + 1 if resting == self._resting else 1, 0
        self._resting = resting
        if resting or self._calm >= CALM:
            self._needed = SURE
        if self._said >= self._enough(look, chosen):
            self._neighbours, self.threads, self._said = counted, chosen, 0
            self._needed = min(SUREST, 2 * self._needed)
        return self.threads

    def _enough(self, look: Look, chosen: int) -> int:
        """How many looks must agree. A core that nobody uses is taken at once: that it is free
        is no consequence of ours."""
        if chosen > self.threads and (self._resting or look.idle > SPARE_CORES):
            return 1
        return SETTLED if self._resting else self._needed

    def _count(self, wanted: float) -> int:
        arrived = int(wanted + 1 - ARRIVED)
        left = int(wanted + 1 - LEFT)
        return max(arrived, min(self._neighbours, left))

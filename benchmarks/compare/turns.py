"""The first token of the next turn: of a conversation that goes on, after a restart, and among
many conversations that take turns.
"""

import random

from benchmarks.compare import texts
from benchmarks.compare.peers import GENAI, SERVE, SLOTS, Peer
from benchmarks.compare.stage import FIRST, Stage
from benchmarks.compare.talk import Server, Talk

FIRST_TOKEN, COLD = "first token of the next turn, s", "first token of a history never seen, s"
RESTARTED, HOT, READY = (
    "first token after a restart, s",
    "first token right after it, s",
    "ready, s",
)


async def next_turn(stage: Stage) -> None:
    """Conversations of several lengths; every server has read each before."""
    with stage.running(SLOTS) as servers:
        for length in stage.wishes.lengths:
            exchanges = await stage.exchanges(length, servers[0])
            history = texts.history(f"N{length}", exchanges)
            talks = await _opened(stage, servers, history, length)
            for number, server in stage.rounds([talk.server for talk in talks.values()]):
                talk = talks[server.name]
                await stage.quiet(servers)
                said = talk.say(texts.question(number + 1))
                if turn := await stage.attempt(server.name, said):
                    case = f"{length} tokens"
                    stage.note(FIRST_TOKEN, case, server, number, turn.first_seconds, length)


async def _opened(
    stage: Stage, servers: list[Server], history: texts.Messages, length: int
) -> dict[str, Talk]:
    """A conversation with each server that this history has been read by."""
    talks = {}
    for server in servers:
        await stage.quiet(servers)
        talk = Talk(server, history)
        if turn := await stage.attempt(server.name, talk.say(texts.question(0))):
            stage.note(COLD, f"{length} tokens", server, FIRST, turn.first_seconds, length)
            talks[server.name] = talk
    return talks


async def restart(stage: Stage) -> None:
    """The longest of the conversations, before and after a server is stopped and started."""
    length = stage.wishes.lengths[-1]
    talks: dict[str, Talk] = {}
    history: texts.Messages = []
    for peer in stage.peers:
        with stage.excusing(peer.name), stage.start(peer, SLOTS, fresh=True) as server:
            if not history:
                history = texts.history("R000", await stage.exchanges(length, server))
            talks[peer.name] = Talk(server, history)
            if server.way.keeps:  # the others forget
                await talks[peer.name].say(texts.question(0))
    for number in range(stage.wishes.rounds):
        turn = number % len(stage.peers)
        for peer in [*stage.peers[turn:], *stage.peers[:turn]]:
            if peer.name in talks and not (peer.slow and number):
                with stage.excusing(peer.name):
                    await _restarted(stage, peer, talks[peer.name], number, length)


async def _restarted(stage: Stage, peer: Peer, talk: Talk, number: int, length: int) -> None:
    case = f"{length} tokens"
    with stage.start(peer, SLOTS) as server:
        talk.server = server
        stage.note(READY, case, server, number, server.seconds)
        for figure, asked in ((RESTARTED, 2 * number + 1), (HOT, 2 * number + 2)):
            await stage.quiet([server])
            turn = await talk.say(texts.question(asked))
            stage.note(figure, case, server, number, turn.first_seconds, length)


async def taking_turns(stage: Stage) -> None:
    """Many conversations, few slots, one after the other in an order that nobody knows."""
    wishes, chance = stage.wishes, random.Random(7)
    peers = [peer for peer in stage.peers if peer.name not in (GENAI, SERVE)]
    with stage.running(SLOTS, peers) as servers:
        exchanges = await stage.exchanges(wishes.turn_tokens, servers[0])
        histories = [texts.history(f"T{n:03d}", exchanges) for n in range(wishes.conversations)]
        talks = {server.name: [Talk(server, each) for each in histories] for server in servers}
        slow = {peer.name for peer in stage.peers if peer.slow}
        for server in servers:  # a server that forgets need not read them first
            if server.name not in slow:
                await stage.attempt(server.name, _all_say(talks[server.name], 0))
        for number, server in stage.rounds(servers):
            await stage.quiet(servers)
            order = list(talks[server.name])
            chance.shuffle(order)
            if firsts := await stage.attempt(server.name, _all_say(order, number + 1)):
                case = f"{wishes.conversations} conversations, {SLOTS} slots"
                for first in firsts:
                    stage.note(FIRST_TOKEN, case, server, number, first, wishes.conversations)


async def _all_say(talks: list[Talk], number: int) -> list[float]:
    """Seconds to the first token of each."""
    return [(await talk.say(texts.question(number))).first_seconds for talk in talks]

"""`POST /v1/completions`: a text in, its continuation out."""

from fastapi import APIRouter
from msgspec.structs import replace
from starlette.responses import Response

from app.domain.messages import Message
from app.domain.tools import ToolUse
from app.edge.strict_route import StrictRoute
from app.openai.calls import AnswerCall
from app.openai.continuations import Continuations
from app.openai.dependencies import AnswerCallDep
from app.openai.fields import unsupported
from app.openai.models.completions import COMPLETION_STREAM, Completion, CompletionRequest
from app.openai.services.answers import Wanted
from app.openai.services.spoken import Spoken
from app.streaming import OpenAiStream

router = APIRouter(route_class=StrictRoute)


@router.post(
    "/completions",
    summary="Completion: a text, continued",
    response_model=Completion,
    response_model_exclude_unset=True,
    responses=COMPLETION_STREAM,
)
async def completions(body: CompletionRequest, call: AnswerCallDep) -> Completion | Response:
    """Continue a text as it is, without a chat template; with `stream` as server-sent events."""
    refuse_unsupported(body)
    wanted = wanted_of(body, call)
    if not body.stream:
        begun, answers = await call.collect(wanted)
        return Continuations(begun, wanted.count, body.logprobs is not None).whole(answers)
    begun, events = await call.open(wanted)
    made = Continuations(begun, wanted.count, body.logprobs is not None)
    return OpenAiStream(made.chunks(events, body.counts), call.request.scope)


def refuse_unsupported(body: CompletionRequest) -> None:
    """Raise SllmError `unsupported_by_engine` for what would be ignored otherwise."""
    asked = {
        "echo": body.echo,
        "best_of": body.best_of not in (None, body.n or 1),
        "suffix": body.suffix,
        "logit_bias": body.logit_bias,
    }
    for name, value in asked.items():
        if value:
            unsupported(name)


def wanted_of(body: CompletionRequest, call: AnswerCall) -> Wanted:
    """A generation for each prompt, all with the same options."""
    options = body.writing(call.settings.default_max_tokens)
    options = replace(options, logprobs=body.logprobs)
    requests = [
        replace(
            call.asked([Spoken(Message("user", prompt))], options, ToolUse())[0], continues=True
        )
        for prompt in body.prompts()
    ]
    return Wanted(
        body.model, requests[0], others=tuple(requests[1:]), count=body.n or 1, field="prompt"
    )

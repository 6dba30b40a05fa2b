"""`POST /v1/chat/completions`: a conversation in, the answer out, whole or as it is written."""

from fastapi import APIRouter
from starlette.responses import Response

from app.openai.calls import AnswerCall
from app.openai.dependencies import AnswerCallDep
from app.openai.fields import refuse_unsupported
from app.openai.image_route import ImageRoute
from app.openai.messages import spoken
from app.openai.models.answers import ChatCompletion
from app.openai.models.chat import ChatCompletionRequest
from app.openai.models.streams import CHAT_STREAM
from app.openai.options import chat_options
from app.openai.replies import ChatChunks, completion
from app.openai.services.answers import Wanted
from app.openai.tools import tool_use
from app.streaming import OpenAiStream

router = APIRouter(route_class=ImageRoute)


@router.post(
    "/chat/completions",
    summary="Chat: one answer, or the same as it is written",
    response_model=ChatCompletion,
    response_model_exclude_unset=True,
    responses=CHAT_STREAM,
)
async def chat_completions(
    body: ChatCompletionRequest, call: AnswerCallDep
) -> ChatCompletion | Response:
    """Answer a conversation, with `stream` as server-sent events. A client that goes away frees
    its place at once."""
    wanted = wanted_of(body, call)
    logprobs = bool(body.logprobs)
    if not body.stream:
        return completion(*await call.collect(wanted), logprobs)
    begun, events = await call.open(wanted)
    chunks = ChatChunks(begun, body.counts, logprobs)
    return OpenAiStream(chunks.of(events), call.request.scope)


def wanted_of(body: ChatCompletionRequest, call: AnswerCall) -> Wanted:
    """What `body` asks for. Raises SllmError for what no engine here can do."""
    refuse_unsupported(body)
    use = tool_use(body)
    options = chat_options(body, use, call.settings.default_max_tokens)
    said = spoken(body.messages, call.blobs)
    request, pictures = call.asked(said, options, use, body.context_policy)
    return Wanted(body.model, request, pictures, use, body.n or 1)

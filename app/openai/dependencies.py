"""What the dialect's routes ask for."""

from typing import Annotated

from fastapi import Depends, Request

from app.dependencies import OwnerDep, RequestMakerDep, SettingsDep, TextModelDep
from app.openai.calls import AnswerCall
from app.openai.services.answers import Answers
from app.openai.services.models import Models
from app.v4.dependencies import ImageStoreDep
from app.v5.dependencies import VisionModelDep, VisionServiceDep


async def get_models(text: TextModelDep, vision: VisionModelDep) -> Models:
    return Models(text, vision)


ModelsDep = Annotated[Models, Depends(get_models)]


async def get_answers(
    models: ModelsDep,
    eyes: VisionServiceDep,
    store: ImageStoreDep,
    owner: OwnerDep,
    settings: SettingsDep,
) -> Answers:
    return Answers(models, eyes, store, owner, settings.max_images)


AnswersDep = Annotated[Answers, Depends(get_answers)]


async def get_answer_call(
    request: Request, answers: AnswersDep, make: RequestMakerDep, settings: SettingsDep
) -> AnswerCall:
    return AnswerCall(request, answers, make, settings)


AnswerCallDep = Annotated[AnswerCall, Depends(get_answer_call)]

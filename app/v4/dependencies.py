"""What v4's routes ask for, beside what every version's do."""

from typing import Annotated

from fastapi import Depends, Request

from app.v4.services.answer_writer import AnswerWriter


async def get_answer_writer(request: Request) -> AnswerWriter:
    writer: AnswerWriter = request.app.state.writer
    return writer


AnswerWriterDep = Annotated[AnswerWriter, Depends(get_answer_writer)]

"""Where terminals enrol: one address without login, for the request proves itself."""

from time import monotonic

from fastapi import APIRouter, Request, Response

from central.enrolment import granting, service
from central.enrolment.model import EnrolmentRefused, Gate
from central.web import guard
from contract.enrolment import AnswerEnvelope, RequestEnvelope

PATH = "/api/enrolment"
ACTOR = "terminal"

router = APIRouter(tags=["enrolment"])


@router.post(PATH, response_model=AnswerEnvelope)
def enrol(request: Request, envelope: RequestEnvelope) -> Response:
    """Answer a terminal's request once; the same keys get the same answer again.

    Needs no login and no TLS: the request proves that it holds a token of this centre, and the answer is signed by the centre and sealed
    to the terminal. 409 with the reason and the way out; nothing was registered then. 429 for more requests than terminals make.
    """
    gate: Gate = request.app.state.enrolment_gate
    gate.admit(request.client.host if request.client else "", monotonic())
    centre = guard.centre_of(request)
    try:
        with centre.engine.begin() as db:
            answer = granting.answer(db, centre.keys, envelope, now=centre.now(), actor=ACTOR)
    except EnrolmentRefused as refused:
        with centre.engine.begin() as db:
            service.note_refusal(db, refused, now=centre.now(), actor=ACTOR)
        raise
    return Response(answer, media_type="application/json")

"""What belongs to another API key is not there."""

from typing import Any

from tests.openai.kept import fault, respond
from tests.v4.owners import Owners


def test_of_another_owner_nothing_is_found(owners: Owners) -> None:
    mine = respond(owners.mine, "a secret")
    id_, conversation = mine["id"], mine["conversation"]["id"]
    item = mine["output"][0]["id"]
    hers = owners.hers
    goes_on = [
        {"previous_response_id": id_},
        {"conversation": conversation},
        {"input": [{"type": "item_reference", "id": item}, {"role": "user", "content": "x"}]},
    ]
    answers = [
        *(hers.post("/v1/responses", json={"input": "x"} | fields) for fields in goes_on),
        hers.get(f"/v1/responses/{id_}"),
        hers.get(f"/v1/responses/{id_}/input_items"),
        hers.post(f"/v1/responses/{id_}/cancel"),
        hers.delete(f"/v1/responses/{id_}"),
        hers.get(f"/v1/conversations/{conversation}"),
        hers.post(f"/v1/conversations/{conversation}", json={"metadata": {}}),
        hers.delete(f"/v1/conversations/{conversation}"),
        hers.get(f"/v1/conversations/{conversation}/items"),
        hers.post(
            f"/v1/conversations/{conversation}/items",
            json={"items": [{"role": "user", "content": "x"}]},
        ),
        hers.get(f"/v1/conversations/{conversation}/items/{item}"),
        hers.delete(f"/v1/conversations/{conversation}/items/{item}"),
    ]
    assert [fault(answer)[:2] for answer in answers] == [(404, "not_found")] * len(answers)
    assert owners.mine.get(f"/v1/responses/{id_}").json() == mine


def test_the_same_key_of_two_owners_is_two_responses(owners: Owners) -> None:
    keyed: dict[str, Any] = {"headers": {"Idempotency-Key": "shared"}}
    assert respond(owners.mine, "x", **keyed)["id"] != respond(owners.hers, "x", **keyed)["id"]

"""What speculation is measured with: two questions for each kind of answer. Code editing,
extraction and quotation repeat much of their prompt, chats hardly anything.
"""

from typing import Final

_CODE: Final = '''def read_orders(path):
    """Read the orders from a CSV file and return them as a list of dictionaries."""
    orders = []
    with open(path, newline="", encoding="utf-8") as source:
        for row in csv.DictReader(source):
            order = {
                "number": int(row["number"]),
                "customer": row["customer"].strip(),
                "amount": float(row["amount"]),
                "paid": row["paid"] == "yes",
            }
            orders.append(order)
    return orders


def total_of(orders, customer):
    """Add up what a customer has ordered."""
    total = 0.0
    for order in orders:
        if order["customer"] == customer:
            total += order["amount"]
    return total
'''
_NOTICE: Final = (
    "The library opens at nine in the morning and closes at six in the evening. On Saturdays it "
    "opens at ten. Books may be kept for four weeks and renewed twice, unless somebody else has "
    "asked for them. Who brings a book back late pays ten cents a day. Maps and old newspapers "
    "stay in the reading room on the second floor, where drinks are not allowed."
)
_NOTICE_KO: Final = (
    "도서관은 아침 아홉 시에 열고 저녁 여섯 시에 닫습니다. 토요일에는 열 시에 엽니다. "
    "책은 사 주 동안 빌릴 수 있고, 다른 사람이 기다리지 않으면 두 번 연장할 수 있습니다. "
    "늦게 돌려주면 하루에 백 원을 냅니다."
)
_LETTER: Final = (
    "Dear Ms Kim, thank you for order number 48213 of 12 March. Two desk lamps (article LX-204, "
    "39.90 each) and one oak shelf (article OS-77, 129.00) leave our warehouse in Busan on 15 "
    "March and reach you at 27 Harbour Road, Incheon, by 18 March. Yours, Minho Park, "
    "minho.park@example.com"
)
_RENAME: Final = (
    "Rename the function total_of to sum_for_customer in this file. Answer with the whole file and "
    f"nothing else.\n\n```python\n{_CODE}```"
)
_TYPES: Final = (
    "Add type hints to every function of this file. Answer with code only.\n\n"
    f"```python\n{_CODE}```"
)
_FIELDS: Final = (
    "Write order number, dates, articles with their prices, address and e-mail of this letter as "
    f"JSON.\n\n{_LETTER}"
)
_NUMBERS: Final = (
    f"List every sentence of this text that has a number in it, word for word.\n\n{_NOTICE}"
)
PROMPTS: Final[dict[str, tuple[str, ...]]] = {
    "code editing": (_RENAME, _TYPES),
    "extraction": (_FIELDS, _NUMBERS),
    "quotation": (
        f"Repeat this text exactly, word for word:\n\n{_NOTICE}",
        f"다음 글을 한 글자도 바꾸지 말고 그대로 다시 써 주세요.\n\n{_NOTICE_KO}",
    ),
    "chat, English": (
        "Explain in a few sentences why the sky is blue and sunsets are red.",
        "I have a free weekend in a big city and little money. What could I do?",
    ),
    "chat, Korean": (
        "하늘이 파랗게 보이는 이유를 몇 문장으로 설명해 주세요.",
        "주말에 돈을 적게 쓰면서 할 수 있는 일을 알려 주세요.",
    ),
}

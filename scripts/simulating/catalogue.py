"""What can be billed: the drugs and services of the month, the same in every month."""

import numpy as np
import pyarrow as pa

from scripts.simulating.columns import Ints, table

INGREDIENTS = 148
BRANDS = 2
DRUGS = INGREDIENTS * BRANDS
SERVICES = 20
LONG_PRESCRIPTION_DAYS = 28

ORDINARY_DRUG = "XA10BAD000A001010100900"
LONG_DRUG = "XA10BAD000A001010100928"
OTHER_BRAND = "XA10BAD000A001010100929"
SOLD_SHORT_DRUG = "XA10BAD000A001010100950"
COUNTER_GOODS = "C14010300100000000001"
VISIT_FEE = "001102000010000-110200001"
HAEMODIALYSIS = "003110000110000-311000001"
PHYSIOTHERAPY = "003402000130000-340200013"

_SPECIAL = (
    (ORDINARY_DRUG, "case ordinary", None, False),
    (LONG_DRUG, "case long", LONG_PRESCRIPTION_DAYS, False),
    (OTHER_BRAND, "case long", LONG_PRESCRIPTION_DAYS, False),
    (SOLD_SHORT_DRUG, "case stock", None, False),
    (COUNTER_GOODS, None, None, False),
    (VISIT_FEE, None, None, False),
    (HAEMODIALYSIS, None, None, True),
    (PHYSIOTHERAPY, None, None, True),
)
"""Items of cases; nobody else is billed them."""

DRUG_CODES = [f"XN{number // BRANDS:03}AA0{number:03}A0010{number % BRANDS + 1}01" for number in range(DRUGS)]
SERVICE_CODES = [f"00110200{number:03}0000-1102{number:05}" for number in range(2, 2 + SERVICES)]
CODES = DRUG_CODES + SERVICE_CODES
"""What is billed in the background, drugs first."""


def drug(ingredient: Ints, brand: Ints) -> Ints:
    """The place in CODES of a brand of an ingredient."""
    return ingredient * BRANDS + brand


def items() -> pa.Table:
    """Every item. Some drugs may be prescribed for four weeks, most for what the rule takes as ordinary."""
    ingredient = np.arange(DRUGS) // BRANDS
    codes = CODES + [row[0] for row in _SPECIAL]
    names = [f"ingredient {number:03}" for number in ingredient] + [None] * SERVICES + [row[1] for row in _SPECIAL]
    days = [LONG_PRESCRIPTION_DAYS if number % 5 == 0 else None for number in ingredient] + [None] * SERVICES + [row[2] for row in _SPECIAL]
    sessions = [False] * (DRUGS + SERVICES) + [row[3] for row in _SPECIAL]
    return table(
        "items",
        len(codes),
        med_list_codg=pa.array(codes),
        ingredient=pa.array(names),
        most_days=pa.array(days),
        per_session=pa.array(sessions),
    )

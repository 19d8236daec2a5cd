"""The claim file, column by column, with what its rows may not say."""

from datetime import date, datetime

from central.feeds import checks
from central.feeds.datasets import CODE_3, CODE_6, IDENTIFIER, MSGID, REGION
from central.feeds.kinds import DAY_OR_TIME, INSTANT, TIME, Code, Text
from central.feeds.model import Check, Column, Spec
from central.feeds.numbers import FLAG, MONEY

AMOUNTS = ("medfee_sumamt", "fund_pay_sumamt", "hifp_pay", "acct_pay", "acct_mulaid_pay", "psn_cash_pay")


def claims(site: Code, *, earliest: date, latest: datetime) -> Spec:
    """Settlements as the fund was billed; their times lie from `earliest` (a day in China) to `latest`."""
    return Spec(
        name="claims",
        meaning="settlements as the fund was billed; refunds are rows of their own with negative amounts",
        key=("fixmedins_code", "setl_id"),
        columns=_columns(site),
        checks=_checks(earliest, latest),
        valid="vali_flag",
        moment="setl_time",
        remark=checks.sums("medfee_sumamt", ("fund_pay_sumamt", "acct_pay", "psn_cash_pay"), "acct_mulaid_pay"),
        also=("settlements",),
    )


def _checks(earliest: date, latest: datetime) -> tuple[Check, ...]:
    return (
        checks.before("setl_time", earliest),
        checks.ahead("setl_time", latest),
        checks.order("begndate", "enddate"),
        checks.positive_refund("medfee_sumamt", "refd_setl_flag"),
        *(checks.negative(name, "refd_setl_flag") for name in AMOUNTS),
    )


def _columns(site: Code) -> tuple[Column, ...]:
    return (
        Column(name="setl_id", kind=IDENTIFIER, required=True, meaning="结算ID, key together with fixmedins_code"),
        Column(name="medins_setl_id", kind=MSGID, meaning="msgid of the sender; joins captures made before setl_id was known"),
        Column(name="mdtrt_id", kind=IDENTIFIER, required=True, meaning="就诊ID, visit"),
        Column(name="fixmedins_code", kind=site, required=True, meaning="institution"),
        Column(name="fixmedins_name", kind=Text(200), meaning="its name"),
        Column(name="mdtrtarea_admvs", kind=REGION, meaning="region of treatment"),
        Column(name="insuplc_admdvs", kind=REGION, meaning="region of insurance"),
        Column(name="psn_no", kind=IDENTIFIER, required=True, meaning="insured person, opaque"),
        Column(name="mdtrt_cert_type", kind=CODE_3, required=True, meaning="01 electronic, 02 identity card, 03 social security card"),
        Column(name="insutype", kind=CODE_6, required=True, meaning="险种"),
        Column(name="med_type", kind=CODE_6, required=True, meaning="医疗类别; localities extend it"),
        Column(name="setl_time", kind=TIME, required=True, meaning="settled"),
        Column(name="begndate", kind=DAY_OR_TIME, meaning="stay begins"),
        Column(name="enddate", kind=DAY_OR_TIME, meaning="stay ends"),
        Column(name="medfee_sumamt", kind=MONEY, required=True, meaning="total"),
        Column(name="fund_pay_sumamt", kind=MONEY, required=True, meaning="paid by the fund"),
        Column(name="hifp_pay", kind=MONEY, meaning="of which from the pool"),
        Column(name="acct_pay", kind=MONEY, required=True, meaning="paid from the personal account"),
        Column(name="acct_mulaid_pay", kind=MONEY, meaning="paid from a relative's account"),
        Column(name="psn_cash_pay", kind=MONEY, required=True, meaning="paid in cash"),
        Column(name="refd_setl_flag", kind=FLAG, meaning="1: a refund, with negative amounts", absent=0),
        Column(name="init_setl_id", kind=IDENTIFIER, meaning="settlement that a refund takes back"),
        Column(name="dr_codg", kind=Text(30), meaning="doctor"),
        Column(name="dr_src", kind=Text(30), meaning="field that the doctor was taken from"),
        Column(name="dr_name", kind=Text(50), meaning="name of the doctor"),
        Column(name="dept_code", kind=Text(30), meaning="department"),
        Column(name="ipt_otp_no", kind=Text(30), meaning="number of the inpatient or outpatient"),
        Column(name="adm_bed", kind=Text(30), meaning="bed"),
        Column(name="dscg_maindiag_code", kind=Text(30), meaning="main diagnosis at discharge"),
        Column(name="dscg_way", kind=CODE_3, meaning="way of discharge, 5: died"),
        Column(name="days_rinp_flag_31", kind=FLAG, meaning="1: a readmission within 31 days is planned"),
        Column(name="opter", kind=Text(30), meaning="clerk"),
        Column(name="dev_no", kind=Text(100), meaning="till"),
        Column(name="opter_type", kind=CODE_3, meaning="1 clerk, 2 self-service, 3 mobile"),
        Column(name="auth_no", kind=Text(64), meaning="of the terminal's face check"),
        Column(name="out_biz_no", kind=Text(64), meaning="of the terminal's face check"),
        Column(name="received_at", kind=INSTANT, meaning="in a folder: when it first came; an import into the centre knows that itself"),
        Column(name="vali_flag", kind=FLAG, meaning="0 takes the settlement back"),
    )

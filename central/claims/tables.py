"""Tables of claims in the national column names. `settlements` says what is true now; `settlement_versions` what was said before."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text

from central.db import Hash, Money, UtcDateTime, metadata

claim_imports = Table(
    "claim_imports",
    metadata,
    Column("import_id", Integer, primary_key=True),
    Column("source", String(255), nullable=False),
    Column("sha256", Hash, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("rows", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("same", Integer, nullable=False),
    Column("bad", Integer, nullable=False),
)

claim_faults = Table(
    "claim_faults",
    metadata,
    Column("fault_id", Integer, primary_key=True),
    Column("import_id", ForeignKey("claim_imports.import_id"), nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("column", String(64), nullable=False),
    Column("value", String(80), nullable=False),
    Column("message", Text, nullable=False),
)

settlements = Table(
    "settlements",
    metadata,
    Column("fixmedins_code", String(12), primary_key=True),
    Column("setl_id", String(30), primary_key=True),
    Column("medins_setl_id", String(30)),
    Column("mdtrt_id", String(30), nullable=False),
    Column("fixmedins_name", String(200)),
    Column("mdtrtarea_admvs", String(6)),
    Column("insuplc_admdvs", String(6)),
    Column("psn_no", String(30), nullable=False),
    Column("mdtrt_cert_type", String(3), nullable=False),
    Column("insutype", String(6), nullable=False),
    Column("med_type", String(6), nullable=False),
    Column("setl_time", UtcDateTime, nullable=False),
    Column("begndate", UtcDateTime),
    Column("enddate", UtcDateTime),
    Column("medfee_sumamt", Money, nullable=False),
    Column("fund_pay_sumamt", Money, nullable=False),
    Column("hifp_pay", Money),
    Column("acct_pay", Money, nullable=False),
    Column("acct_mulaid_pay", Money),
    Column("psn_cash_pay", Money, nullable=False),
    Column("refd_setl_flag", Integer, nullable=False),
    Column("init_setl_id", String(30)),
    Column("dr_codg", String(30)),
    Column("dr_src", String(30)),
    Column("dr_name", String(50)),
    Column("dept_code", String(30)),
    Column("ipt_otp_no", String(30)),
    Column("adm_bed", String(30)),
    Column("dscg_maindiag_code", String(30)),
    Column("dscg_way", String(3)),
    Column("opter", String(30)),
    Column("dev_no", String(100)),
    Column("opter_type", String(3)),
    Column("auth_no", String(64)),
    Column("out_biz_no", String(64)),
    Column("row_sha256", Hash, nullable=False),
    Column("import_id", ForeignKey("claim_imports.import_id"), nullable=False),
    Index("ix_settlements_medins", "fixmedins_code", "medins_setl_id"),
    Index("ix_settlements_time", "setl_time"),
    Index("ix_settlements_psn_no", "psn_no"),
)

settlement_versions = Table(
    "settlement_versions",
    metadata,
    Column("version_id", Integer, primary_key=True),
    Column("fixmedins_code", String(12), nullable=False),
    Column("setl_id", String(30), nullable=False),
    Column("row_sha256", Hash, nullable=False),
    Column("row", JSON, nullable=False),
    Column("import_id", Integer, nullable=False),
    Column("replaced_at", UtcDateTime, nullable=False),
    Index("ix_settlement_versions_key", "fixmedins_code", "setl_id"),
)

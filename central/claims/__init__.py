"""The settlements as the fund was billed."""

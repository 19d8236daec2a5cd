"""The first page: how the sites, the devices and both ledgers stand now."""

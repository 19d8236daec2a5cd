"""Where the comparison is computed: one room for every engine that the same expressions run on."""

"""The command line: one module per command; standard output is data, standard error is narration."""

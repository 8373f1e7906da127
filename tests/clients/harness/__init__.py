"""Drives the built `roadstead` binary the way a user would: its command line, its exports, its ports."""

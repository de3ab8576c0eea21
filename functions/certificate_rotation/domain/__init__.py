"""The rules: what to do about one credential. No input or output; the time is an argument."""

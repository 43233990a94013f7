"""Mails: which kinds there are, how one is made, and how it leaves."""

"""From values to words: mails, pages, tables."""

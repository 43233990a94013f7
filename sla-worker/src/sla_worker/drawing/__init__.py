"""The program that draws PDFs and charts: a process of its own, which nothing else imports."""

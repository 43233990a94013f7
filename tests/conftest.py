"""What holds for all tests."""

import logging

# aiosmtpd tells of every connection, from a thread that may outlive the stream which pytest captures.
logging.getLogger("mail.log").setLevel(logging.WARNING)

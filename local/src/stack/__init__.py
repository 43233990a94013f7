"""Starts, watches and stops the bundle: with Docker Compose, or as plain processes under supervisord."""

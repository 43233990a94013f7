#!/bin/sh
# Stands in for the entrypoint of the postgres image in CI: makes the database at the first start, then becomes the server.
set -eu
bin=$(dirname /usr/lib/postgresql/*/bin/postgres)
data=/var/lib/postgresql/data
if [ ! -e "$data/PG_VERSION" ]; then
  printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
  # shellcheck disable=SC2086  # several flags
  "$bin/initdb" -D "$data" -U "$POSTGRES_USER" --auth-host=scram-sha-256 --pwfile=/tmp/password $POSTGRES_INITDB_ARGS
  rm /tmp/password
  echo "CREATE DATABASE $POSTGRES_DB;" | "$bin/postgres" --single -D "$data" postgres
  echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
fi
exec "$bin/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql

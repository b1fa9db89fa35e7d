#!/bin/sh
# Brings both schemas of the Temporal server up to the version of this image. Safe to run again: the tool sets up only
# an empty database, and applies only the versions that are missing.
set -eu

: "${SQL_HOST:?is the PostgreSQL host}" "${SQL_PORT:?is its port}" "${SQL_USER:?is the account}"
: "${SQL_PASSWORD:?is its password, read by the tool itself}"

update() {
  database=$1
  schema=$2
  set -- --plugin postgres12 --ep "$SQL_HOST" --port "$SQL_PORT" --user "$SQL_USER" --db "$database"
  temporal-sql-tool "$@" setup-schema --version 0.0
  temporal-sql-tool "$@" update-schema --schema-name "postgresql/v12/$schema"
}

update temporal temporal
update temporal_visibility visibility

#!/bin/bash
# Runs once, when the data volume is empty. Each program gets an account that owns its own databases and no other.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres \
  --set temporal_password="$TEMPORAL_DATABASE_PASSWORD" \
  --set holdfast_password="$HOLDFAST_DATABASE_PASSWORD" <<'SQL'
create role temporal login password :'temporal_password';
create role holdfast login password :'holdfast_password';
create database temporal owner temporal;
create database temporal_visibility owner temporal;
create database holdfast owner holdfast;
revoke connect on database temporal, temporal_visibility, holdfast from public;
SQL

#!/bin/sh
# Creates the namespace once the server answers. Safe to run again: a namespace that exists is left as it is.
set -eu

: "${TEMPORAL_ADDRESS:?is host:port of the server}" "${NAMESPACE:?is the namespace}" "${RETENTION:?is a duration}"
attempts=${ATTEMPTS:-30}

attempt=1
while [ "$attempt" -le "$attempts" ]; do
  if temporal operator namespace describe --address "$TEMPORAL_ADDRESS" --namespace "$NAMESPACE" >/dev/null 2>&1; then
    echo "namespace $NAMESPACE is there"
    exit 0
  fi
  if temporal operator namespace create --address "$TEMPORAL_ADDRESS" --namespace "$NAMESPACE" \
    --retention "$RETENTION"; then
    echo "namespace $NAMESPACE created"
    exit 0
  fi
  echo "attempt $attempt of $attempts failed; trying again" >&2
  attempt=$((attempt + 1))
  sleep "${PAUSE_S:-2}"
done
echo "namespace $NAMESPACE could not be created at $TEMPORAL_ADDRESS; see the messages above" >&2
exit 1

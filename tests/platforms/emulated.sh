#!/usr/bin/env bash
# Runs a program for arm64, and all that it starts. The kernel starts such programs only if it is
# told how, and that would change the machine. So it is told in a user namespace, which has settings
# of its own since Linux 6.7. All users exist in there: tests give files to other users.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
mkfifo "$folder/mapped"
unshare --user --mount bash -euc '
  read -r _ < "$0"
  mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
  printf "%s" ":qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64-static:F" \
    > /proc/sys/fs/binfmt_misc/register
  exec "$@"' "$folder/mapped" "$@" &
child=$!
until [ "$(readlink "/proc/$child/ns/user")" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.1; done
echo "0 0 4294967295" > "/proc/$child/uid_map"
echo "0 0 4294967295" > "/proc/$child/gid_map"
echo > "$folder/mapped"
wait "$child"

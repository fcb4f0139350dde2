# A container without a container runtime: what a pod's specification says, done by hand in a mount namespace.
#   unshare --mount bash hand_made.sh ROOT BENTO USER GROUP ENVIRONMENT VOLUMES PYTHON BASE ARGUMENT...
# ENVIRONMENT is a file of NAME=VALUE lines; VOLUMES is one of "KIND PATH [FOLDER]": emptyDir, secret.
set -euo pipefail
root=$1 bento=$2 user=$3 group=$4 environment=$5 volumes=$6 python=$7 base=$8
shift 8
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$root"

bind() {  # FOLDER TO
  mkdir -p "$root$2"
  mount --bind "$1" "$root$2"
  mount -o remount,bind,ro "$root$2"
}
for name in bin lib lib64 sbin; do
  if [ -L /$name ]; then cp -P /$name "$root/"; elif [ -d /$name ]; then bind /$name /$name; fi
done
bind /usr /usr
mkdir "$root/app" "$root/proc" "$root/dev" "$root/etc"
ln -s "$python" "$root/app/.venv"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
for name in passwd group nsswitch.conf ld.so.cache hosts; do cp "/etc/$name" "$root/etc/" 2>/dev/null || true; done

# COPY --chown=bentoml:bentoml . ./
mkdir -p "$root/home/bentoml"
cp -r "$bento" "$root/home/bentoml/bento"
chown -R "$user:$group" "$root/home/bentoml"
chmod +x "$root/home/bentoml/bento/env/docker/entrypoint.sh"

while read -r kind path folder; do
  if [ "$kind" = secret ]; then
    bind "$folder" "$path"
  else
    mkdir -p "$root$path"
    mount -t tmpfs -o "mode=2777,gid=$group" tmpfs "$root$path"
  fi
done < "$volumes"

bind "$base" "$base"  # they may lie below a volume, such as /tmp
bind "$python" "$python"
mount -o remount,ro "$root"  # readOnlyRootFilesystem
mapfile -t told < "$environment"
exec chroot "$root" setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs --bounding-set=-all \
  --inh-caps=-all env -i "${told[@]}" bash -c 'cd "$BENTO_PATH" && exec env/docker/entrypoint.sh "$@"' -- "$@"

/* Preloaded into a process, kills it (SIGKILL) at its n-th externally visible action: it creates,
   writes, truncates, syncs, or removes a file, connects, sends, or receives. The test maps the same
   file, named by KILL_SWITCH, to set when and to read which actions were begun. */

#include "preload.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum { MOST_ACTIONS = 500, NAME_BYTES = 16 };

/* Also read and written by Python: chaos/kill_switch.py. */
struct kill_switch {
  _Atomic uint32_t armed;
  /* The number of the action at which the process is killed; from 1. */
  uint32_t last;
  /* Whether half of the last write or send is still done. */
  uint32_t halfway;
  _Atomic uint32_t begun;
  char names[MOST_ACTIONS][NAME_BYTES];
};

static struct kill_switch *the_switch;

__attribute__((constructor)) static void map_switch(void) {
  const char *path = getenv("KILL_SWITCH");
  int descriptor = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  void *mapped = MAP_FAILED;
  if (descriptor >= 0) mapped = mmap(NULL, sizeof *the_switch, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (mapped == MAP_FAILED) abort();
  close(descriptor);
  the_switch = mapped;
}

static void end(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* Counts an action, and returns whether it is the last. */
static int is_last(const char *name) {
  if (the_switch == NULL || !atomic_load(&the_switch->armed)) return 0;
  uint32_t before = atomic_fetch_add(&the_switch->begun, 1);
  if (before < MOST_ACTIONS) strncpy(the_switch->names[before], name, NAME_BYTES - 1);
  return before + 1 == the_switch->last;
}

static void act(const char *name) {
  if (is_last(name)) end();
}

/* How much to write before the process is killed; 0 if this is not the last action. */
static size_t half_of_last(const char *name, size_t length) {
  if (!is_last(name)) return 0;
  if (!the_switch->halfway || length < 2) end();
  return length / 2;
}

/* Excludes a language's own pipes and events. */
static int is_file(int descriptor) {
  struct stat found;
  return fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode);
}

#define OPEN(function) \
  int function(const char *path, int flags, ...) { \
    REAL(int, #function, const char *, int, ...); \
    MODE \
    if (flags & O_CREAT) act("make"); \
    return real(path, flags, mode); \
  }

#define PWRITE(function, offset_type) \
  ssize_t function(int descriptor, const void *bytes, size_t length, offset_type offset) { \
    REAL(ssize_t, #function, int, const void *, size_t, offset_type); \
    size_t half = half_of_last("write", length); \
    if (half == 0) return real(descriptor, bytes, length, offset); \
    real(descriptor, bytes, half, offset); \
    end(); \
    return -1; \
  }

#define TRUNCATE(function, offset_type) \
  int function(int descriptor, offset_type length) { \
    REAL(int, #function, int, offset_type); \
    act("cut"); \
    return real(descriptor, length); \
  }

#define SYNC(function) \
  int function(int descriptor) { \
    REAL(int, #function, int); \
    act("sync"); \
    return real(descriptor); \
  }

OPEN(open)
OPEN(open64)
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)
SYNC(fsync)
SYNC(fdatasync)

ssize_t write(int descriptor, const void *bytes, size_t length) {
  REAL(ssize_t, "write", int, const void *, size_t);
  size_t half = is_file(descriptor) ? half_of_last("write", length) : 0;
  if (half == 0) return real(descriptor, bytes, length);
  real(descriptor, bytes, half);
  end();
  return -1;
}

int unlink(const char *path) {
  REAL(int, "unlink", const char *);
  act("remove");
  return real(path);
}

int connect(int descriptor, const struct sockaddr *address, socklen_t length) {
  REAL(int, "connect", int, const struct sockaddr *, socklen_t);
  act("connect");
  return real(descriptor, address, length);
}

ssize_t send(int descriptor, const void *bytes, size_t length, int flags) {
  REAL(ssize_t, "send", int, const void *, size_t, int);
  size_t half = half_of_last("send", length);
  if (half == 0) return real(descriptor, bytes, length, flags);
  real(descriptor, bytes, half, flags);
  end();
  return -1;
}

/* Counts only calls that receive something, because the number of empty polls varies. */
ssize_t recv(int descriptor, void *bytes, size_t length, int flags) {
  REAL(ssize_t, "recv", int, void *, size_t, int);
  ssize_t received = real(descriptor, bytes, length, flags);
  if (received > 0 && !(flags & MSG_PEEK)) act("take");
  return received;
}

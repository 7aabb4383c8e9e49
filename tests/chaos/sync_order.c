/* Preloaded into a process, appends to the file named by SYNC_ORDER what makes a commit durable:
   that its journal was made and removed, and after that, that the directory was synced. Each sync
   takes a while longer, so that what does not wait for it is early. */

#include "preload.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGER_MICROSECONDS = 2000 };

static const char *const JOURNAL = "-journal";
static int order = -1;

__attribute__((constructor)) static void open_order(void) {
  const char *path = getenv("SYNC_ORDER");
  if (path != NULL) order = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (order < 0) abort();
}

static void append(const char *line) {
  if (write(order, line, strlen(line)) < 0) abort();
}

static int is_journal(const char *path) {
  size_t length = strlen(path), suffix = strlen(JOURNAL);
  return length > suffix && strcmp(path + length - suffix, JOURNAL) == 0;
}

static int is_directory(int descriptor) {
  struct stat found;
  return fstat(descriptor, &found) == 0 && S_ISDIR(found.st_mode);
}

#define OPEN(function) \
  int function(const char *path, int flags, ...) { \
    REAL(int, #function, const char *, int, ...); \
    MODE \
    if ((flags & O_CREAT) && is_journal(path)) append("journal made\n"); \
    return real(path, flags, mode); \
  }

#define SYNC(function) \
  int function(int descriptor) { \
    REAL(int, #function, int); \
    usleep(LONGER_MICROSECONDS); \
    int failed = real(descriptor); \
    if (failed == 0 && is_directory(descriptor)) append("directory synced\n"); \
    return failed; \
  }

OPEN(open)
OPEN(open64)
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path) {
  REAL(int, "unlink", const char *);
  int failed = real(path);
  if (failed == 0 && is_journal(path)) append("journal removed\n");
  return failed;
}

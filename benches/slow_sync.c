/* Preloaded into a process, makes each sync of a file take SLOW_SYNC_MICROSECONDS, whatever the disk
   is. Nothing is synced. */

#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { MICROSECONDS_IN_A_SECOND = 1000000, NANOSECONDS_IN_A_MICROSECOND = 1000 };

static long microseconds;

__attribute__((constructor)) static void read_microseconds(void) {
  const char *text = getenv("SLOW_SYNC_MICROSECONDS");
  if (text == NULL) abort();
  microseconds = strtol(text, NULL, 10);
}

static int wait_for_disk(void) {
  /* Of the calling thread. Otherwise a sleep takes up to 50 microseconds longer. */
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  struct timespec left = {
      .tv_sec = microseconds / MICROSECONDS_IN_A_SECOND,
      .tv_nsec = microseconds % MICROSECONDS_IN_A_SECOND * NANOSECONDS_IN_A_MICROSECOND,
  };
  while (nanosleep(&left, &left) != 0) {
  }
  return 0;
}

int fsync(int descriptor) {
  (void)descriptor;
  return wait_for_disk();
}

int fdatasync(int descriptor) {
  (void)descriptor;
  return wait_for_disk();
}

/* Loaded before a process: its wall clock is off by as many seconds as `clock_shift` said last. Monotonic clocks go on
   as they do, as they do when somebody sets the clock of a machine. */

#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long shift;

void clock_shift(long seconds) { shift = seconds; }

static int real(clockid_t id, struct timespec *now) { return (int)syscall(SYS_clock_gettime, id, now); }

int clock_gettime(clockid_t id, struct timespec *now)
{
    int result = real(id, now);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        now->tv_sec += shift;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec found;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where)
        *where = now.tv_sec;
    return now.tv_sec;
}

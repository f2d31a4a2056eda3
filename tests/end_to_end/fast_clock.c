// Preloaded into a program of a test, makes its clocks run FAST_CLOCK_PACE times as fast as ours, counted
// from FAST_CLOCK_BEGAN (seconds since 1970), so that all programs of a test agree. What waits until a time
// waits as much shorter. What waits for so long (poll, epoll, timers of the kernel) is left as it is: a
// deadline of a connection is then generous rather than tight.
// FAST_CLOCK_JUMP_FILE: 8 bytes, nanoseconds by which the clock since 1970 is off; tests write it while the
// program runs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const long long kSecond = 1000000000LL;
// Times of this or later are since 1970, earlier ones since the machine's start.
static const time_t kWall = 500000000;

static long long pace = 1;
static long long wall_begin;       // both clocks, real, in ns
static long long monotonic_begin;
static const long long kNoJump = 0;
static const volatile long long* jump = &kNoJump;

static long raw(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static long long real(clockid_t clock) {
  struct timespec now;
  raw(SYS_clock_gettime, clock, (long)&now, 0, 0, 0, 0);
  return now.tv_sec * kSecond + now.tv_nsec;
}

__attribute__((constructor)) static void begin(void) {
  const char* wanted = getenv("FAST_CLOCK_PACE");
  const char* began = getenv("FAST_CLOCK_BEGAN");
  wall_begin = began ? (long long)(atof(began) * 1e9) : real(CLOCK_REALTIME);
  monotonic_begin = real(CLOCK_MONOTONIC);
  if (wanted) pace = atoll(wanted);
  const char* jumps = getenv("FAST_CLOCK_JUMP_FILE");
  const int file = jumps ? open(jumps, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* shared = mmap(0, sizeof(*jump), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (shared != MAP_FAILED) jump = shared;
}

static long long fast(long long now, long long from) {
  return from + (now - from) * pace + (from == wall_begin ? *jump : 0);
}

// The real moment at which our clock shows `shown`.
static struct timespec moment(const struct timespec* shown) {
  const int is_wall = shown->tv_sec >= kWall;
  const long long from = is_wall ? wall_begin : monotonic_begin;
  const long long at = shown->tv_sec * kSecond + shown->tv_nsec - (is_wall ? *jump : 0);
  const long long then = from + (at - from) / pace;
  const struct timespec result = {then / kSecond, then % kSecond};
  return result;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  long long now;
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
    now = fast(real(clock), wall_begin);
  } else if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW) {
    now = fast(real(CLOCK_MONOTONIC), monotonic_begin);
  } else {
    const long result = raw(SYS_clock_gettime, clock, (long)time, 0, 0, 0, 0);
    if (result < 0) errno = (int)-result;
    return result < 0 ? -1 : 0;
  }
  time->tv_sec = now / kSecond;
  time->tv_nsec = now % kSecond;
  return 0;
}

int gettimeofday(struct timeval* restrict time, void* restrict zone) {
  (void)zone;
  const long long now = fast(real(CLOCK_REALTIME), wall_begin);
  time->tv_sec = now / kSecond;
  time->tv_usec = now % kSecond / 1000;
  return 0;
}

time_t time(time_t* out) {
  const time_t now = fast(real(CLOCK_REALTIME), wall_begin) / kSecond;
  if (out) *out = now;
  return now;
}

int pthread_cond_timedwait(pthread_cond_t* restrict condition, pthread_mutex_t* restrict mutex,
                           const struct timespec* restrict until) {
  static int (*wait)(pthread_cond_t*, pthread_mutex_t*, const struct timespec*);
  if (!wait) *(void**)&wait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  const struct timespec then = moment(until);
  return wait(condition, mutex, &then);
}

int pthread_cond_clockwait(pthread_cond_t* restrict condition, pthread_mutex_t* restrict mutex,
                           clockid_t clock, const struct timespec* restrict until) {
  static int (*wait)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*);
  if (!wait) *(void**)&wait = dlsym(RTLD_NEXT, "pthread_cond_clockwait");
  const struct timespec then = moment(until);
  return wait(condition, mutex, clock, &then);
}

// Abseil waits by this call.
long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
  va_end(list);
  struct timespec then;
  if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && a[3] != 0) {
    then = moment((const struct timespec*)a[3]);
    a[3] = (long)&then;
  }
  const long result = raw(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (result >= 0 || result < -4095) return result;
  errno = (int)-result;
  return -1;
}

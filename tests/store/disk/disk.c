/* Notes what a process does to the files below DISK_ROOT, in its order, and lets the Nth of such calls fail.

   DISK_NOTES      a file that takes the notes: a head of six 64-bit numbers (kind, file, offset, length of the data,
                   length of the path, length of the second path), then the path, the second path, the data
   disk_fail("write", 3, ENOSPC)   the third write from now on fails; "sync" and "name" (a file, folder or rename) too
   One file is one inode. A sync is noted and not done. Built as a shared library and named in LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE, SYNC, MADE, RENAMED, REMOVED, FOLDER };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int notes = -1, fail_with, started;
static long fail_at, calls;
static const char *root;
static char fail_kind[16];

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static void start(void) {
  if (started) return;
  started = 1;
  root = getenv("DISK_ROOT");
  const char *path = getenv("DISK_NOTES");
  int (*open_)(const char *, int, ...) = real("open");
  if (path) notes = open_(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The path of a descriptor below the root, or 0. */
static int below(int fd, char *path) {
  char link[64];
  if (!root || fd < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, PATH_MAX - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return !strncmp(path, root, strlen(root));
}

static int below_path(int at, const char *name, char *path) {
  if (!root) return 0;
  if (name[0] == '/') snprintf(path, PATH_MAX, "%s", name);
  else {
    char folder[PATH_MAX];
    if (at == AT_FDCWD) {
      if (!getcwd(folder, sizeof folder)) return 0;
    } else {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", at);
      ssize_t n = readlink(link, folder, sizeof folder - 1);
      if (n <= 0) return 0;
      folder[n] = 0;
    }
    if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX) return 0;
  }
  return !strncmp(path, root, strlen(root));
}

static int64_t inode(const char *path) {
  struct stat found;
  return lstat(path, &found) ? 0 : (int64_t)found.st_ino;
}

static int64_t inode_of(int fd) {
  struct stat found;
  return fstat(fd, &found) ? 0 : (int64_t)found.st_ino;
}

static void note(int64_t kind, int64_t file, int64_t offset, const void *data, int64_t size, const char *path, const char *second) {
  if (notes < 0) return;
  int64_t head[6] = {kind, file, offset, data ? size : 0, path ? strlen(path) : 0, second ? strlen(second) : 0};
  ssize_t (*writev_)(int, const struct iovec *, int) = real("writev");
  struct iovec parts[4] = {{head, sizeof head}, {(void *)path, head[4]}, {(void *)second, head[5]}, {(void *)data, head[3]}};
  if (writev_(notes, parts, 4) < 0) abort();
}

/* Whether this call is the one that fails. */
static int fails(const char *kind) {
  if (strcmp(kind, fail_kind) || ++calls != fail_at) return 0;
  errno = fail_with;
  return 1;
}

/* Let the call number `at` of this kind fail from now on. */
void disk_fail(const char *kind, long at, int with) {
  snprintf(fail_kind, sizeof fail_kind, "%s", kind);
  fail_at = at;
  fail_with = with;
  calls = 0;
}

/* How many calls of that kind there have been. */
long disk_calls(void) { return calls; }

#define BEGIN start(); pthread_mutex_lock(&turn)
#define END pthread_mutex_unlock(&turn)

static int opened(int at, const char *name, int flags, mode_t mode, const char *through) {
  char path[PATH_MAX];
  int (*openat_)(int, const char *, int, ...) = real(through);
  start();
  if (!(flags & (O_CREAT | O_TRUNC)) || !below_path(at, name, path)) return openat_(at, name, flags, mode);
  BEGIN;
  int64_t before = inode(path);
  int fd = !before && fails("name") ? -1 : openat_(at, name, flags, mode);
  if (fd >= 0 && !before) note(MADE, inode_of(fd), 0, 0, 0, path, 0);
  else if (fd >= 0 && flags & O_TRUNC) note(TRUNCATE, before, 0, 0, 0, path, 0);
  END;
  return fd;
}

#define MODE va_list rest; va_start(rest, flags); mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; va_end(rest)
int open(const char *name, int flags, ...) { MODE; return opened(AT_FDCWD, name, flags, mode, "openat"); }
int open64(const char *name, int flags, ...) { MODE; return opened(AT_FDCWD, name, flags | O_LARGEFILE, mode, "openat64"); }
int openat(int at, const char *name, int flags, ...) { MODE; return opened(at, name, flags, mode, "openat"); }
int openat64(int at, const char *name, int flags, ...) { MODE; return opened(at, name, flags | O_LARGEFILE, mode, "openat64"); }

static ssize_t wrote(int fd, const void *data, size_t size, off_t offset, int positioned) {
  char path[PATH_MAX];
  ssize_t (*pwrite_)(int, const void *, size_t, off_t) = real("pwrite64");
  ssize_t (*write_)(int, const void *, size_t) = real("write");
  start();
  if (!below(fd, path)) return positioned ? pwrite_(fd, data, size, offset) : write_(fd, data, size);
  BEGIN;
  if (!positioned) offset = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
  ssize_t n = fails("write") ? -1 : positioned ? pwrite_(fd, data, size, offset) : write_(fd, data, size);
  if (n > 0) note(WRITE, inode_of(fd), offset, data, n, path, 0);
  END;
  return n;
}

ssize_t write(int fd, const void *data, size_t size) { return wrote(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return wrote(fd, data, size, offset, 1); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) { return wrote(fd, data, size, offset, 1); }

static int cut(int fd, off_t size) {
  char path[PATH_MAX];
  int (*ftruncate_)(int, off_t) = real("ftruncate64");
  start();
  if (!below(fd, path)) return ftruncate_(fd, size);
  BEGIN;
  int result = ftruncate_(fd, size);
  if (!result) note(TRUNCATE, inode_of(fd), size, 0, 0, path, 0);
  END;
  return result;
}

int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

static int synced(int fd, const char *through) {
  char path[PATH_MAX];
  int (*sync_)(int) = real(through);
  start();
  if (!below(fd, path)) return sync_(fd);
  BEGIN;
  int result = fails("sync") ? -1 : 0; /* nothing has to reach the disk of the machine that runs the test */
  if (!result) note(SYNC, inode_of(fd), 0, 0, 0, path, 0);
  END;
  return result;
}

int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

static int renamed(int at, const char *name, int to_at, const char *to_name, unsigned flags) {
  char path[PATH_MAX], to[PATH_MAX];
  int (*renameat2_)(int, const char *, int, const char *, unsigned) = real("renameat2");
  start();
  if (!below_path(at, name, path) || !below_path(to_at, to_name, to)) return renameat2_(at, name, to_at, to_name, flags);
  BEGIN;
  int64_t file = inode(path);
  int result = fails("name") ? -1 : renameat2_(at, name, to_at, to_name, flags);
  if (!result) note(RENAMED, file, 0, 0, 0, path, to);
  END;
  return result;
}

int rename(const char *name, const char *to) { return renamed(AT_FDCWD, name, AT_FDCWD, to, 0); }
int renameat(int at, const char *name, int to_at, const char *to) { return renamed(at, name, to_at, to, 0); }

static int removed(int at, const char *name, int flags) {
  char path[PATH_MAX];
  int (*unlinkat_)(int, const char *, int) = real("unlinkat");
  start();
  if (!below_path(at, name, path)) return unlinkat_(at, name, flags);
  BEGIN;
  int64_t file = inode(path);
  int result = unlinkat_(at, name, flags);
  if (!result) note(REMOVED, file, 0, 0, 0, path, 0);
  END;
  return result;
}

int unlink(const char *name) { return removed(AT_FDCWD, name, 0); }
int unlinkat(int at, const char *name, int flags) { return removed(at, name, flags); }
int rmdir(const char *name) { return removed(AT_FDCWD, name, AT_REMOVEDIR); }

static int folder(int at, const char *name, mode_t mode) {
  char path[PATH_MAX];
  int (*mkdirat_)(int, const char *, mode_t) = real("mkdirat");
  start();
  if (!below_path(at, name, path)) return mkdirat_(at, name, mode);
  BEGIN;
  int result = fails("name") ? -1 : mkdirat_(at, name, mode);
  if (!result) note(FOLDER, inode(path), 0, 0, 0, path, 0);
  END;
  return result;
}

int mkdir(const char *name, mode_t mode) { return folder(AT_FDCWD, name, mode); }
int mkdirat(int at, const char *name, mode_t mode) { return folder(at, name, mode); }

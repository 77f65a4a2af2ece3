// Preloaded into a program by faults.py: lets the n-th of its calls that change files in one folder
// fail, or ends the program there as kill -9 does.
//
//     FAULT_FOLDER=/path FAULT_CALL=rename FAULT_NUMBER=2 FAULT_ERROR=5 FAULT_MARK=/path/of/mark
//
// FAULT_CALL may be "any". FAULT_ERROR is an errno, or 0 to end the program. The file FAULT_MARK is
// made when it happens. How many calls of each kind there were is written to the file FAULT_COUNTS
// at the end.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static const char* const kinds[] = {"any",   "open",     "write", "fsync", "rename",
                                    "mkdir", "exchange", "link",  "chmod", "remove"};
enum { kind_count = sizeof(kinds) / sizeof(kinds[0]) };
static int counts[kind_count];

__attribute__((destructor)) static void write_counts(void) {
  const char* path = getenv("FAULT_COUNTS");
  if (path == NULL) return;
  unsetenv("FAULT_FOLDER");
  const int file = openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, 0666);
  for (int i = 0; i < kind_count; ++i) dprintf(file, "%s %d\n", kinds[i], counts[i]);
  close(file);
}

/// Whether the call is to fail, whose errno is set then.
static int fails(const char* call, const char* path) {
  const char* folder = getenv("FAULT_FOLDER");
  const char* chosen = getenv("FAULT_CALL");
  const char* number = getenv("FAULT_NUMBER");
  if (folder == NULL || path == NULL) return 0;
  char whole[PATH_MAX];
  if (path[0] != '/' && getcwd(whole, sizeof(whole) / 2) != NULL) {
    strcat(whole, "/");
    strncat(whole, path, sizeof(whole) / 2 - 2);
    path = whole;
  }
  if (strncmp(path, folder, strlen(folder)) != 0) return 0;
  int calls = 0;  // of the kind that is to fail
  for (int i = 0; i < kind_count; ++i) {
    if (i > 0 && strcmp(kinds[i], call) != 0) continue;
    const int count = __sync_add_and_fetch(&counts[i], 1);
    if (chosen != NULL && strcmp(kinds[i], chosen) == 0) calls = count;
  }
  if (number == NULL || calls != atoi(number)) return 0;
  const char* mark = getenv("FAULT_MARK");
  if (mark != NULL) close(openat(AT_FDCWD, mark, O_CREAT | O_WRONLY, 0666));
  const char* error = getenv("FAULT_ERROR");
  const int reason = error == NULL ? 0 : atoi(error);
  if (reason == 0) raise(SIGKILL);
  errno = reason;
  return 1;
}

static int file_fails(const char* call, int file) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, path, sizeof(path) - 1);
  if (size <= 0) return 0;
  path[size] = '\0';
  return fails(call, path);
}

#define REAL(type, name, parameters) \
  static type(*real) parameters;     \
  if (real == NULL) real = (type(*) parameters)dlsym(RTLD_NEXT, name)

#define ON_PATH(name, call, parameters, path, arguments) \
  int name parameters {                                  \
    REAL(int, #name, parameters);                        \
    return fails(call, path) ? -1 : real arguments;      \
  }
ON_PATH(rename, "rename", (const char* from, const char* to), to, (from, to))
ON_PATH(link, "link", (const char* from, const char* to), to, (from, to))
ON_PATH(unlink, "remove", (const char* path), path, (path))
ON_PATH(remove, "remove", (const char* path), path, (path))
ON_PATH(rmdir, "remove", (const char* path), path, (path))
ON_PATH(mkdir, "mkdir", (const char* path, mode_t mode), path, (path, mode))
ON_PATH(chmod, "chmod", (const char* path, mode_t mode), path, (path, mode))

#define ON_FILE(type, name, call, parameters, arguments) \
  type name parameters {                                 \
    REAL(type, #name, parameters);                       \
    return file_fails(call, file) ? -1 : real arguments; \
  }
ON_FILE(int, fsync, "fsync", (int file), (file))
ON_FILE(int, fdatasync, "fsync", (int file), (file))
ON_FILE(int, ftruncate, "write", (int file, off_t size), (file, size))
ON_FILE(int, ftruncate64, "write", (int file, off_t size), (file, size))
ON_FILE(ssize_t, write, "write", (int file, const void* data, size_t size), (file, data, size))
ON_FILE(ssize_t, pwrite, "write", (int file, const void* data, size_t size, off_t at),
        (file, data, size, at))
ON_FILE(ssize_t, pwrite64, "write", (int file, const void* data, size_t size, off_t at),
        (file, data, size, at))

int unlinkat(int folder, const char* path, int flags) {
  REAL(int, "unlinkat", (int, const char*, int));
  return file_fails("remove", folder) || fails("remove", path) ? -1 : real(folder, path, flags);
}

#define OPEN(name)                                                              \
  int name(const char* path, int flags, ...) {                                  \
    REAL(int, #name, (const char*, int, ...));                                  \
    va_list more;                                                               \
    va_start(more, flags);                                                      \
    const mode_t mode = (flags & O_CREAT) != 0 ? (mode_t)va_arg(more, int) : 0; \
    va_end(more);                                                               \
    const int is_to_write = (flags & (O_CREAT | O_WRONLY | O_RDWR)) != 0;       \
    return is_to_write && fails("open", path) ? -1 : real(path, flags, mode);   \
  }
OPEN(open)
OPEN(open64)

#define FOPEN(name)                                                         \
  FILE* name(const char* path, const char* mode) {                          \
    REAL(FILE*, #name, (const char*, const char*));                         \
    return mode[0] != 'r' && fails("open", path) ? NULL : real(path, mode); \
  }
FOPEN(fopen)
FOPEN(fopen64)

size_t fwrite(const void* data, size_t size, size_t count, FILE* file) {
  REAL(size_t, "fwrite", (const void*, size_t, size_t, FILE*));
  return file_fails("write", fileno(file)) ? 0 : real(data, size, count, file);
}

int fclose(FILE* file) {
  REAL(int, "fclose", (FILE*));
  const int flags = fcntl(fileno(file), F_GETFL);
  const int has_failed = (flags & O_ACCMODE) != O_RDONLY && file_fails("write", fileno(file));
  const int reason = errno;
  const int result = real(file);
  if (!has_failed) return result;
  errno = reason;
  return EOF;
}

long syscall(long number, ...) {
  REAL(long, "syscall", (long, ...));
  va_list more;
  va_start(more, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(more, long);
  va_end(more);
#ifdef SYS_renameat2
  if (number == SYS_renameat2 && fails("exchange", (const char*)a[3])) return -1;
#endif
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

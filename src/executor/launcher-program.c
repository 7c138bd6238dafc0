/* Finds the launcher's program: beside ours, as in a build directory, or where it is
 * installed. Both speak structs to each other, so it has to be the one that was made with
 * us: its build id says so, and a copy of our program that travels alone, or beside
 * another version, is its own launcher. */
#include "executor/launcher-priv.h"

#include "executor/launcher-id.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_PAGE 4096 /* the linker puts the note with the id behind the headers */
#define ID_BYTES   20

static unsigned nibble(char digit)
{
    return isdigit((unsigned char)digit) ? digit - '0' : digit - 'a' + 10;
}

static int has_our_id(int fd)
{
    static const char hex[] = CB_LAUNCHER_ID;
    unsigned char id[ID_BYTES], page[FIRST_PAGE];
    ssize_t got = pread(fd, page, sizeof(page), 0);

    if (sizeof(hex) != 2 * sizeof(id) + 1 || got < 0)
        return 0;
    for (size_t i = 0; i < sizeof(id); i++)
        id[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    return memmem(page, (size_t)got, id, sizeof(id)) != NULL;
}

static int others_write(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 || (st.st_mode & (S_IWGRP | S_IWOTH));
}

/* Who can put a file into DIR must be no more than those who could replace our program:
 * a copy of that in /tmp takes nothing from there. */
static int open_in(const char *dir)
{
    cb_autofd int place = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cb_autofd int file = -1;

    if (place < 0)
        return -1;
    file = openat(place, CB_LAUNCHER_NAME,
                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0 || others_write(place) || others_write(file) || !has_our_id(file))
        return -1;
    return cb_steal_fd(&file);
}

static int open_beside(void)
{
    char path[PATH_MAX], *slash;
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

    path[len < 0 ? 0 : len] = '\0';
    slash = strrchr(path, '/');
    if (!slash)
        return -1;
    slash[slash == path] = '\0';
    return open_in(path);
}

int cb_launcher_program_open(void)
{
    static const char *const installed[] = {CB_LAUNCHER_DIR, "/usr/libexec/cbuild"};
    int file;

    if (!*CB_LAUNCHER_ID)
        return -1;
    file = open_beside();
    for (size_t i = 0; file < 0 && i < CB_ARRAY_SIZE(installed); i++)
        file = open_in(installed[i]);
    return file;
}

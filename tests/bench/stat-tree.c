/* stat-tree DIRECTORY: lists it and stats everything in it, by one thread: the floor of a
 * rebuild that has to find out that nothing changed. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int visit(int fd)
{
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int seen = 0;

    while (dir && (entry = readdir(dir))) {
        struct stat st;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        seen++;
        if (S_ISDIR(st.st_mode))
            seen += visit(openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY));
    }
    if (dir)
        closedir(dir);
    return seen;
}

int main(int argc, char **argv)
{
    return argc < 2 || visit(open(argv[1], O_RDONLY | O_DIRECTORY)) == 0;
}

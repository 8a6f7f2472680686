#include <sys/statvfs.h>

#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/vec.h"
#include "codec/regex.h"
#include "exporter/node.h"
#include "exporter/node_mounts.h"
#include "exporter/procfs.h"

enum { MOUNTS_MAX = 4096 };

const char node_fstypes_exclude_default[] =
    "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|"
    "iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|"
    "erofs|sysfs|tracefs)$";
const char node_mounts_exclude_default[] =
    "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)";

/* File systems that hold no data of their own. */
static bool is_pseudo(str type)
{
    static const char *const names[] = {
        "autofs",     "binfmt_misc", "bpf",      "cgroup",  "cgroup2",   "configfs",
        "debugfs",    "devpts",      "devtmpfs", "fusectl", "hugetlbfs", "mqueue",
        "nsfs",       "overlay",     "proc",     "procfs",  "pstore",    "rpc_pipefs",
        "securityfs", "selinuxfs",   "squashfs", "sysfs",   "tracefs"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_is(type, names[i])) {
            return true;
        }
    }
    return false;
}

struct mount {
    str labels[3]; /* device, fstype, mountpoint */
};

typedef VEC(struct mount) mounts;

/* A path as the kernel writes it: blanks, tabs, newlines and backslashes are three octal digits
 * behind a backslash. */
static str path_decode(struct arena *arena, str text)
{
    char *ret = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        str digits = str_slice(text, i + 1, i + 4);

        if (text.ptr[i] == '\\' && digits.len == 3 && digits.ptr[0] >= '0' &&
            digits.ptr[0] <= '3' && (digits.ptr[1] & ~7) == '0' && (digits.ptr[2] & ~7) == '0') {
            ret[len++] = (char)((digits.ptr[0] - '0') << 6 | (digits.ptr[1] - '0') << 3 |
                                (digits.ptr[2] - '0'));
            i += 3;
        } else {
            ret[len++] = text.ptr[i];
        }
    }
    ret[len] = '\0';
    return (str){ret, len};
}

/* A place that is mounted over hides what was there: the last one counts, once. */
static void mount_put(mounts *found, const struct mount *mount)
{
    for (size_t i = 0; i < found->count; i++) {
        if (str_eq(found->items[i].labels[2], mount->labels[2])) {
            found->items[i] = *mount;
            return;
        }
    }
    if (found->count < MOUNTS_MAX) {
        vec_push(found, *mount);
    }
}

static void mounts_read(struct emit *emit, const struct node_options *options, str text,
                        mounts *ret)
{
    for (str line; str_split_next(&text, '\n', &line);) {
        struct procfs_fields fields;
        struct mount mount;

        procfs_split(line, &fields);
        if (fields.count < 3 || (options->fstypes_exclude != NULL
                                     ? regex_match(options->fstypes_exclude, fields.items[2])
                                     : is_pseudo(fields.items[2]))) {
            continue;
        }
        mount.labels[0] = path_decode(&emit->arena, fields.items[0]);
        mount.labels[1] = fields.items[2];
        mount.labels[2] = path_decode(&emit->arena, fields.items[1]);
        if ((options->mounts_exclude == NULL ||
             !regex_match(options->mounts_exclude, mount.labels[2]))) {
            mount_put(ret, &mount);
        }
    }
}

/* The rooms of the mounts, in the arena. */
static struct node_mount_room *rooms_ask(struct emit *emit, const struct node_options *options,
                                         const mounts *found)
{
    struct node_mount_room *ret = arena_alloc(&emit->arena, (found->count + 1) * sizeof(*ret));

    for (size_t i = 0; i < found->count; i++) {
        ret[i].path = found->items[i].labels[2].ptr;
    }
    if (options->mounts != NULL) {
        node_mounts_ask(options->mounts, ret, found->count);
    } else {
        for (size_t i = 0; i < found->count; i++) {
            ret[i].failed = statvfs(ret[i].path, &ret[i].status) == 0 ? 0 : -errno;
        }
    }
    return ret;
}

static double column_value(const struct statvfs *status, size_t column)
{
    double block = (double)status->f_frsize;
    const double values[] = {
        (double)status->f_blocks * block, (double)status->f_bfree * block,
        (double)status->f_bavail * block, (double)status->f_files,
        (double)status->f_ffree,          (status->f_flag & ST_RDONLY) != 0 ? 1 : 0,
    };

    return values[column];
}

bool node_filesystems_collect(struct emit *emit, const struct node_options *options,
                              struct buf *text)
{
    static const struct {
        const char *name;
        const char *help;
    } columns[] = {
        {"node_filesystem_size_bytes", "Filesystem size in bytes."},
        {"node_filesystem_free_bytes", "Filesystem free space in bytes."},
        {"node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."},
        {"node_filesystem_files", "Filesystem total file nodes."},
        {"node_filesystem_files_free", "Filesystem total free file nodes."},
        {"node_filesystem_readonly", "Filesystem read-only status."},
    };
    static const char *const labels[] = {"device", "fstype", "mountpoint", NULL};
    struct node_mount_room *rooms;
    mounts found = {0};

    if (!procfs_read(options->root, "/proc/self/mounts", text)) {
        return false;
    }
    mounts_read(emit, options, buf_view(text), &found);
    rooms = rooms_ask(emit, options, &found);
    emit_family(emit, "node_filesystem_device_error", BARO_GAUGE,
                "Whether an error occurred while getting statistics for the given device.", labels);
    for (size_t k = 0; k < found.count; k++) {
        emit_value(emit, rooms[k].failed == 0 ? 0 : 1, found.items[k].labels);
    }
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        emit_family(emit, columns[i].name, BARO_GAUGE, columns[i].help, labels);
        for (size_t k = 0; k < found.count; k++) {
            if (rooms[k].failed == 0) {
                emit_value(emit, column_value(&rooms[k].status, i), found.items[k].labels);
            }
        }
    }
    vec_done(&found);
    return true;
}

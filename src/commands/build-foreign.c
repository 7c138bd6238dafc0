/* Options of buildah and kaniko for building, and what does the same here. */
#include "commands/commands.h"

#define CERTIFICATES "--cert-dir, or `certs-dirs` in the configuration, see cbuild(1)"
#define NAMESPACE    "steps have namespaces of their own; --network and --allow open them"

const struct cb_absent_option cb_build_foreign[] = {
    {"all-platforms", 0, "--platform names those that are wanted"},
    {"cap-add", 0, "`RUN --security=insecure` with --allow security.insecure"},
    {"cpp-flag", 0, "run the preprocessor, and give its output with `-f -`"},
    {"decryption-key", 0, "images that are encrypted cannot be read"},
    {"ignore-path", 0, "a .dockerignore, or --ignorefile"},
    {"ipc", 0, NAMESPACE},
    {"git", 0, "the context's URL names branch, tag or commit: URL#REF"},
    {"layer-label", 0, "--label labels the image"},
    {"manifest", 0, "-t NAME is the index if --platform names several"},
    {"pid", 0, NAMESPACE},
    {"push-ignore-immutable-tag-errors", 0, "push to a tag of its own"},
    {"registry-certificate", 0, CERTIFICATES},
    {"registry-client-cert", 0, CERTIFICATES},
    {"retry-delay", 0, "a step is tried again at once: leave the option out"},
    {"runtime", 0, "steps run in cbuild's own sandbox: leave the option out"},
    {"squash-all", 0, "--squash makes one layer of those since the base image"},
    {"stdin", 0, "steps read nothing: COPY a file, or mount it"},
    {"userns", 0, NAMESPACE},
    {"uts", 0, NAMESPACE},
    {0},
};

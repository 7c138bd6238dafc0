/* Options of buildah and kaniko for building, and what does the same here. */
#include "commands/commands.h"

#define LOGIN \
    "`cbuild login` keeps credentials, and $REGISTRY_AUTH_FILE names another file"
#define INSECURE  "--insecure-registry HOST, or --tls-verify=false for all"
#define MIRRORS   "`registries` in the configuration has mirrors, see cbuild(1)"
#define NAMESPACE "steps have namespaces of their own; --network and --allow open them"
#define NAMED     "-t NAME names the image, and --push sends it"
#define PLATFORM  "--platform OS/ARCH[/VARIANT]"
#define NO_SCAN   "no filesystem is scanned: leave the option out"

const struct cb_absent_option cb_build_foreign[] = {
    {"all-platforms", 0, "--platform names those that are wanted"},
    {"arch", 0, PLATFORM},
    {"authfile", 0, LOGIN},
    {"build-arg-file", 0, "--build-arg NAME=VALUE for each"},
    {"cache", 0, "results are kept and used anyway, unless --no-cache says otherwise"},
    {"cache-copy-layers", 0, "results of COPY are kept anyway: leave the option out"},
    {"cache-dir", 0, "--root says where everything is kept"},
    {"cache-repo", 0, "--cache-from NAME and --cache-to NAME, see cbuild-build(1)"},
    {"cap-add", 0, "`RUN --security=insecure` with --allow security.insecure"},
    {"cert-dir", 0, "`certs-dirs` in the configuration, see cbuild(1)"},
    {"context", 0, "the context is the argument: `cbuild build PATH`"},
    {"cpp-flag", 0, "run the preprocessor, and give its output with `-f -`"},
    {"creds", 0, LOGIN},
    {"customPlatform", 0, PLATFORM},
    {"custom-platform", 0, PLATFORM},
    {"decryption-key", 0, "images that are encrypted cannot be read"},
    {"destination", 'd', NAMED},
    {"digest-file", 0, "--iidfile, or --metadata-file for digests, names and descriptor"},
    {"dockerfile", 0, "-f FILE"},
    {"env", 0, "ENV in the Dockerfile, whose value can be an ARG's"},
    {"format", 0, "-o type=image,oci-mediatypes=false has docker's media types"},
    {"from", 0, "--build-context NAME=docker-image://IMAGE puts another in its place"},
    {"identity-label", 0, "no such label is set: leave the option out"},
    {"ignore-path", 0, "a .dockerignore, or --ignorefile"},
    {"image-name-with-digest-file", 0, "--metadata-file"},
    {"insecure", 0, INSECURE},
    {"ipc", 0, NAMESPACE},
    {"layer-label", 0, "--label labels the image"},
    {"logfile", 0, "`cbuild builds logs` has all that was written"},
    {"manifest", 0, "-t NAME is the index if --platform names several"},
    {"no-push", 0, "nothing is pushed unless --push says so: leave the option out"},
    {"oci-layout-path", 0, "-o type=oci,tar=false,dest=DIR"},
    {"omit-history", 0, "the history stays in the image"},
    {"os", 0, PLATFORM},
    {"pid", 0, NAMESPACE},
    {"push-retry", 0, "a push is tried again by itself: leave the option out"},
    {"registry-map", 0, MIRRORS},
    {"registry-mirror", 0, MIRRORS},
    {"reproducible", 0, "SOURCE_DATE_EPOCH says which time an image has"},
    {"retry-delay", 0, "a step is tried again at once: leave the option out"},
    {"runtime", 0, "steps run in cbuild's own sandbox: leave the option out"},
    {"single-snapshot", 0, "--squash makes one layer"},
    {"skip-tls-verify", 0, INSECURE},
    {"skip-unused-stages", 0, "stages that nothing needs are not built: leave it out"},
    {"snapshot-mode", 0, NO_SCAN},
    {"squash-all", 0, "--squash makes one layer of those since the base image"},
    {"stdin", 0, "steps read nothing: COPY a file, or mount it"},
    {"tar-path", 0, "-o type=docker,dest=FILE"},
    {"tarPath", 0, "-o type=docker,dest=FILE"},
    {"timestamp", 0, "--build-arg SOURCE_DATE_EPOCH=SECONDS"},
    {"unsetenv", 0, "`ENV NAME=` in the Dockerfile empties it"},
    {"unsetlabel", 0, "`LABEL NAME=` in the Dockerfile empties it"},
    {"use-new-run", 0, NO_SCAN},
    {"userns", 0, NAMESPACE},
    {"uts", 0, NAMESPACE},
    {"variant", 0, PLATFORM},
    {0},
};

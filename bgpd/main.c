/* sealaned: options, signals, and the wiring of configuration, core, kernel and control. */
#include <errno.h>
#include <ev.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bgpd/config/config.h"
#include "bgpd/control/control.h"
#include "bgpd/core/snapshot.h"
#include "bgpd/io/bfd_keeper.h"
#include "bgpd/io/control_socket.h"
#include "bgpd/io/files.h"
#include "bgpd/io/kernel_query.h"
#include "bgpd/io/log_sink.h"
#include "bgpd/io/loop.h"
#include "proto/base/mem.h"

#define DEFAULT_CONFIG "/etc/sealane/sealane.conf"
#define DEFAULT_SOCKET "/run/sealane/sealane.sock"

struct options {
    const char *config_path;
    const char *socket_path;
    bool is_check_only;
    bool is_dry_fib;
};

struct app {
    struct options options;
    struct ev_loop *loop;
    struct log_sink *log;
    struct config_loader *loader;
    struct config_tree *tree; /* of the running configuration */
    struct daemon_loop *daemon;
    struct control_server *control;
    struct control_socket *socket;
    struct bfd_keeper *keeper;
    char bfd_memory_path[PATH_MAX]; /* "": none */
    char keeper_path[PATH_MAX];
    struct ev_signal hangup;
    struct ev_signal terminate;
    struct ev_signal interrupt;
};

static void print_usage(FILE *out)
{
    fprintf(out, "usage: sealaned [-Cn] [-f FILE] [-s PATH]\n"
                 "       sealaned --version\n"
                 "\n"
                 "  -C        check the configuration and exit\n"
                 "  -f FILE   configuration (.conf text, .json, .xml);\n"
                 "            default " DEFAULT_CONFIG "\n"
                 "  -n        write nothing to the kernel\n"
                 "  -s PATH   control socket; default " DEFAULT_SOCKET "\n");
}

/* Exits on --help, --version and wrong options. */
static struct options parse_options(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"version", no_argument, NULL, 'v'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct options options = {DEFAULT_CONFIG, DEFAULT_SOCKET, false, false};
    int letter;
    while ((letter = getopt_long(argc, argv, "Cf:hns:", long_options, NULL)) != -1) {
        switch (letter) {
        case 'C':
            options.is_check_only = true;
            break;
        case 'f':
            options.config_path = optarg;
            break;
        case 'n':
            options.is_dry_fib = true;
            break;
        case 's':
            options.socket_path = optarg;
            break;
        case 'v':
            printf("sealaned %s\n", SEALANE_VERSION);
            exit(EXIT_SUCCESS);
        case 'h':
            print_usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            print_usage(stderr);
            exit(2);
        }
    }
    if (optind != argc) {
        fprintf(stderr, "sealaned: unexpected argument \"%s\"\n", argv[optind]);
        print_usage(stderr);
        exit(2);
    }
    return options;
}

/* What YANG cannot say, and whether the policies compile. Appends what was found to text. */
static bool check_model(const char *path, const struct config *config, struct buffer *text)
{
    struct arena arena;
    char error[256];
    struct policy_set *policies = NULL;
    arena_init(&arena);
    struct config_messages messages = {.arena = &arena};
    bool is_good = config_check(config, &messages);
    for (size_t i = 0; i < messages.count; i++) {
        const struct config_message *message = &messages.items[i];
        buffer_printf(text, "%s: %s: %s: %s\n", path, message->is_warning ? "warning" : "error",
                      message->path, message->text);
    }
    if (policy_set_compile(&config->policy, &policies, error) != STATUS_OK) {
        buffer_printf(text, "%s: error: %s\n", path, error);
        is_good = false;
    }
    policy_set_free(policies);
    arena_fini(&arena);
    return is_good;
}

/* Loads and checks the file; NULL when it cannot be used. text gets every finding, line by line. */
static struct config *load_config(struct app *app, struct config_tree **tree_out,
                                  struct buffer *text)
{
    const char *path = app->options.config_path;
    struct buffer bytes;
    struct config *config = NULL;
    char error[256];
    buffer_init(&bytes, MEM_CONFIG);
    if (file_read(path, CONFIG_FILE_BYTES_MAX, &bytes, error) != STATUS_OK) {
        buffer_printf(text, "%s\n", error);
        buffer_fini(&bytes);
        return NULL;
    }
    struct config_report report;
    config_report_init(&report);
    enum status status =
        config_load_file_bytes(app->loader, path, buffer_view(&bytes), &config, tree_out, &report);
    config_report_format(&report, text);
    config_report_fini(&report);
    if (bytes.data != NULL) {
        explicit_bzero(bytes.data, bytes.capacity); /* passwords were in it */
    }
    buffer_fini(&bytes);
    if (status != STATUS_OK) {
        return NULL;
    }
    if (!check_model(path, config, text)) {
        config_free(config);
        config_tree_free(*tree_out);
        *tree_out = NULL;
        return NULL;
    }
    return config;
}

static void log_lines(struct log_sink *log, enum log_severity severity, struct buffer *text)
{
    char *rest = NULL;
    buffer_text(text);
    for (char *line = strtok_r((char *)text->data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        log_sink_printf(log, LOG_CONFIG, severity, "%s", line);
    }
}

/* SIGHUP and `reload`: the file again, whole or not at all. message_out gets what was found. */
static bool reload(struct app *app, struct buffer *message_out)
{
    struct config_tree *tree = NULL;
    struct config *config = load_config(app, &tree, message_out);
    if (config == NULL) {
        log_sink_printf(app->log, LOG_CONFIG, LOG_SEVERITY_ERROR,
                        "configuration rejected; the running one stays in force");
        return false;
    }
    config_tree_free(app->tree);
    app->tree = tree;
    daemon_loop_configure(app->daemon, config);
    log_sink_printf(app->log, LOG_CONFIG, LOG_SEVERITY_NOTICE, "configuration loaded from %s",
                    app->options.config_path);
    return true;
}

static void on_hangup(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
    (void)loop;
    (void)events;
    struct app *app = watcher->data;
    struct buffer text;
    buffer_init(&text, MEM_CONFIG);
    service_notify("RELOADING=1");
    bool is_good = reload(app, &text);
    log_lines(app->log, is_good ? LOG_SEVERITY_WARNING : LOG_SEVERITY_ERROR, &text);
    service_notify("READY=1");
    buffer_fini(&text);
}

static void on_terminate(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
    (void)loop;
    (void)events;
    struct app *app = watcher->data;
    const struct config *config = snapshot_config(daemon_loop_core(app->daemon));
    service_notify("STOPPING=1");
    daemon_loop_stop(app->daemon, config != NULL && config->keep_routes_on_stop);
}

static bool hook_print_config(void *context, enum control_config_format format, bool with_secrets,
                              struct buffer *out)
{
    struct app *app = context;
    enum config_format config_format = format == CONTROL_CONFIG_JSON  ? CONFIG_FORMAT_JSON
                                       : format == CONTROL_CONFIG_XML ? CONFIG_FORMAT_XML
                                                                      : CONFIG_FORMAT_TEXT;
    return config_print(app->loader, app->tree, config_format, with_secrets, out) == STATUS_OK;
}

static bool hook_reload(void *context, struct buffer *message_out)
{
    return reload(context, message_out);
}

static void hook_settle(void *context)
{
    struct app *app = context;
    daemon_loop_settle(app->daemon);
}

static void hook_query_path(void *context, const struct ip_addr *destination,
                            const struct ip_addr *source, struct kernel_path *path_out)
{
    (void)context;
    kernel_query_path(destination, source, path_out);
}

static void *hook_client_new(void *context, uid_t uid, gid_t gid, bool is_admin)
{
    struct app *app = context;
    return control_client_new(app->control, uid, gid, is_admin);
}

static bool hook_client_input(void *client, struct mono_time now, const void *data, size_t size)
{
    return control_client_input(client, now, (struct byte_view){data, size}) == STATUS_OK;
}

static void hook_client_output(void *client, struct mono_time now, struct buffer *out, size_t room)
{
    control_client_output(client, now, out, room);
}

static bool hook_client_wants_output(const void *client)
{
    return control_client_wants_output(client);
}

static void hook_client_free(void *client)
{
    control_client_free(client);
}

static size_t hook_read_bfd(void *context, uint32_t *next, struct bfd_session_view *views_out,
                            size_t max)
{
    struct app *app = context;
    return daemon_loop_read_bfd(app->daemon, next, views_out, max);
}

static void hook_read_bfd_discarded(void *context, uint64_t discarded_out[BFD_FAULT_COUNT])
{
    struct app *app = context;
    daemon_loop_read_bfd_discarded(app->daemon, discarded_out);
}

static bool open_control(struct app *app, char error_out[256])
{
    struct control_hooks hooks = {
        .context = app,
        .print_running_config = hook_print_config,
        .reload = hook_reload,
        .settle = hook_settle,
        .query_path = hook_query_path,
        .read_bfd = hook_read_bfd,
        .read_bfd_discarded = hook_read_bfd_discarded,
    };
    struct control_socket_hooks socket_hooks = {
        .context = app,
        .client_new = hook_client_new,
        .client_input = hook_client_input,
        .client_output = hook_client_output,
        .client_wants_output = hook_client_wants_output,
        .client_free = hook_client_free,
    };
    app->control = control_server_new(daemon_loop_core(app->daemon), &hooks);
    app->socket =
        control_socket_new(app->loop, app->options.socket_path, &socket_hooks, app->log, error_out);
    return app->socket != NULL;
}

static void watch_signals(struct app *app)
{
    signal(SIGPIPE, SIG_IGN);
    ev_signal_init(&app->hangup, on_hangup, SIGHUP);
    ev_signal_init(&app->terminate, on_terminate, SIGTERM);
    ev_signal_init(&app->interrupt, on_terminate, SIGINT);
    app->hangup.data = app;
    app->terminate.data = app;
    app->interrupt.data = app;
    ev_signal_start(app->loop, &app->hangup);
    ev_signal_start(app->loop, &app->terminate);
    ev_signal_start(app->loop, &app->interrupt);
}

/* Before there is any thread. What cannot be kept is no reason not to run. */
static void start_keeper(struct app *app, const struct config_log *log_config)
{
    const char *path = app->options.socket_path;
    int size = snprintf(app->bfd_memory_path, sizeof app->bfd_memory_path, "%s.bfd", path);
    if (size < 0 || (size_t)size >= sizeof app->bfd_memory_path) {
        app->bfd_memory_path[0] = 0;
        return;
    }
    snprintf(app->keeper_path, sizeof app->keeper_path, "%s.keeper", path);
    enum bfd_relief relief = bfd_keeper_relieve(app->keeper_path);
    if (relief == BFD_RELIEF_REFUSED) {
        return; /* Another daemon is there; open_control says so. */
    }
    if (relief == BFD_RELIEF_SILENCE) {
        log_sink_printf(app->log, LOG_GENERAL, LOG_SEVERITY_WARNING,
                        "the BFD keeper behind %s does not answer; end it, and restart",
                        app->keeper_path);
        return;
    }
    app->keeper = bfd_keeper_new(app->bfd_memory_path, app->keeper_path, log_config);
    if (app->keeper == NULL) {
        log_sink_printf(app->log, LOG_GENERAL, LOG_SEVERITY_WARNING,
                        "BFD sessions will end if sealaned dies: cannot start their keeper: %s",
                        strerror(errno));
    }
}

/* Runs until stopped. Returns the exit status. */
static int run(struct app *app, struct config *config)
{
    char error[256] = "";
    start_keeper(app, &config->log);
    struct daemon_options daemon_options = {
        .is_dry_fib = app->options.is_dry_fib,
        .bfd_memory_path = app->bfd_memory_path[0] != 0 ? app->bfd_memory_path : NULL,
        .keeper = app->keeper,
    };
    app->daemon = daemon_loop_new(app->loop, app->log, &daemon_options, error);
    if (app->daemon == NULL || !open_control(app, error)) {
        fprintf(stderr, "sealaned: %s\n", error);
        config_free(config);
        return EXIT_FAILURE;
    }
    watch_signals(app);
    daemon_loop_configure(app->daemon, config);
    if (daemon_loop_fatal(app->daemon) == NULL) {
        daemon_loop_start(app->daemon);
        service_notify("READY=1");
        ev_run(app->loop, 0);
    }
    if (daemon_loop_fatal(app->daemon) != NULL) {
        fprintf(stderr, "sealaned: %s\n", daemon_loop_fatal(app->daemon));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static void release(struct app *app)
{
    bool keeps_sessions = false;
    control_socket_free(app->socket);
    if (app->control != NULL) {
        control_server_free(app->control);
    }
    if (app->daemon != NULL) {
        ev_signal_stop(app->loop, &app->hangup);
        ev_signal_stop(app->loop, &app->terminate);
        ev_signal_stop(app->loop, &app->interrupt);
        keeps_sessions = daemon_loop_free(app->daemon);
    }
    bfd_keeper_free(app->keeper, keeps_sessions);
    config_tree_free(app->tree);
    config_loader_free(app->loader);
    log_sink_free(app->log);
    ev_loop_destroy(app->loop);
}

int main(int argc, char **argv)
{
    struct app app = {.options = parse_options(argc, argv)};
    struct buffer text;
    int status;
    buffer_init(&text, MEM_CONFIG);
    app.loop = ev_default_loop(EVFLAG_AUTO);
    app.log = log_sink_new();
    app.loader = config_loader_new();
    struct config *config = load_config(&app, &app.tree, &text);
    if (text.size != 0) {
        fprintf(stderr, "%s", buffer_text(&text));
    }
    buffer_fini(&text);
    if (config == NULL) {
        status = EXIT_FAILURE;
    } else if (app.options.is_check_only) {
        printf("%s: configuration is valid\n", app.options.config_path);
        config_free(config);
        status = EXIT_SUCCESS;
    } else {
        status = run(&app, config);
    }
    release(&app);
    return status;
}

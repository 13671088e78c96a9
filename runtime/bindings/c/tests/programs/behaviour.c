/*
 * What the header promises, one check after the other, with a server of mnist-mlp at HOST:PORT, a folder for files, and somebody who
 * hangs up on whoever connects:
 *
 *     behaviour HOST:PORT FOLDER DIGEST HOST:PORT
 */
#include <popcorn.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIXELS 784
#define CLASSES 10

#define CHECK(condition)                                                          \
    do {                                                                          \
        if (!(condition)) {                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
            exit(1);                                                              \
        }                                                                         \
    } while (0)

/* The call fails so, and says something that holds `words`. */
#define FAILS(call, expected, words) fails((call), &error, expected, words, __LINE__)

static void fails(popcorn_status status, popcorn_error **error, popcorn_status expected, const char *words, int line)
{
    const char *message = popcorn_error_message(*error);
    if (status != expected || popcorn_error_status(*error) != expected || !strstr(message, words)) {
        fprintf(stderr, "line %d: status %d, \"%s\"; not %d, \"%s\"\n", line, status, message, expected, words);
        exit(1);
    }
    popcorn_error_free(*error);
    *error = NULL;
}

static const char *folder;

static const char *in_folder(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void null_is_nothing(void)
{
    popcorn_error_free(NULL);
    popcorn_key_free(NULL);
    popcorn_client_free(NULL);
    popcorn_cancellation_free(NULL);
    popcorn_cancel(NULL);
    CHECK(popcorn_error_status(NULL) == POPCORN_STATUS_OK);
    CHECK(!*popcorn_error_message(NULL));
    CHECK(!popcorn_client_class_name(NULL, 0));
    CHECK(*popcorn_version());
}

/* Of the plan's length, in a file, plain or with a passphrase. */
static popcorn_key *keys(void)
{
    popcorn_error *error = NULL;
    popcorn_key *key = (popcorn_key *)&error, *read = NULL;
    FAILS(popcorn_key_generate(1000, &key, &error), POPCORN_STATUS_INVALID_INPUT, "bits");
    CHECK(!key);
    CHECK(popcorn_key_generate(512, &key, NULL) == POPCORN_STATUS_INVALID_INPUT);
    FAILS(popcorn_key_generate(3072, NULL, &error), POPCORN_STATUS_INVALID_INPUT, "key is NULL");
    CHECK(popcorn_key_read(in_folder("me.key"), NULL, &key, &error) == POPCORN_STATUS_OK && !error);
    FAILS(popcorn_key_write(key, in_folder("me.key"), NULL, &error), POPCORN_STATUS_SYSTEM, "me.key");
    FAILS(popcorn_key_write(NULL, in_folder("none.key"), NULL, &error), POPCORN_STATUS_INVALID_INPUT, "key is NULL");
    FAILS(popcorn_key_read(in_folder("none.key"), NULL, &read, &error), POPCORN_STATUS_SYSTEM, "none.key");
    FAILS(popcorn_key_read(NULL, NULL, &read, &error), POPCORN_STATUS_INVALID_INPUT, "path is NULL");
    FAILS(popcorn_key_read("\xff", NULL, &read, &error), POPCORN_STATUS_INVALID_INPUT, "path is not UTF-8");
    CHECK(popcorn_key_write(key, in_folder("sealed.key"), "a phrase", &error) == POPCORN_STATUS_OK);
    FAILS(popcorn_key_read(in_folder("sealed.key"), NULL, &read, &error), POPCORN_STATUS_INVALID_INPUT, "passphrase");
    FAILS(popcorn_key_read(in_folder("sealed.key"), "another", &read, &error), POPCORN_STATUS_INVALID_INPUT, "wrong");
    CHECK(!read);
    CHECK(popcorn_key_read(in_folder("sealed.key"), "a phrase", &read, &error) == POPCORN_STATUS_OK && read);
    popcorn_key_free(read);
    return key;
}

static void unusable_options(popcorn_options good, const char *hangs_up)
{
    popcorn_error *error = NULL;
    popcorn_client *client = NULL;
    popcorn_options bad = good;
    FAILS(popcorn_connect(NULL, &client, &error), POPCORN_STATUS_INVALID_INPUT, "options is NULL");
    FAILS(popcorn_connect(&good, NULL, &error), POPCORN_STATUS_INVALID_INPUT, "client is NULL");
#define REFUSED(field, value, words) \
    bad = good, bad.field = value, \
    FAILS(popcorn_connect(&bad, &client, &error), POPCORN_STATUS_INVALID_INPUT, words)
    REFUSED(address, NULL, "options.address is NULL");
    REFUSED(address, "\xc3\x28:1", "options.address is not UTF-8");
    REFUSED(pin, "12", "options.pin: ");
    REFUSED(token, "12", "options.token: ");
    REFUSED(plan, "no/name", "options.plan: ");
    REFUSED(ca, in_folder("none.crt"), "none.crt");
    REFUSED(certificate, "a", "given together");
    REFUSED(timeout_seconds, -1, "options.timeout_seconds: ");
    REFUSED(retry_seconds, 0.0 / 0.0, "options.retry_seconds: ");
    bad = good, bad.tls = true, bad.ca = "a";
    FAILS(popcorn_connect(&bad, &client, &error), POPCORN_STATUS_INVALID_INPUT, "at most one");
    bad = good, bad.certificate = bad.certificate_key = "a";
    FAILS(popcorn_connect(&bad, &client, &error), POPCORN_STATUS_INVALID_INPUT, "with TLS alone");
    bad = good, bad.key = NULL, bad.store = in_folder("store");
    FAILS(popcorn_connect(&bad, &client, &error), POPCORN_STATUS_INVALID_INPUT, "a store needs a key");
    bad = good, bad.address = "127.0.0.1:1";
    FAILS(popcorn_connect(&bad, &client, &error), POPCORN_STATUS_SYSTEM, "127.0.0.1:1");
    bad = good, bad.address = "192.0.2.1:7000"; /* of documentation: another machine */
    FAILS(popcorn_connect(&bad, &client, &error), POPCORN_STATUS_SYSTEM, "no address that may be used");
    bad = good, bad.address = hangs_up;
    FAILS(popcorn_connect(&bad, &client, &error), POPCORN_STATUS_PEER_MISBEHAVED, "hung up");
    bad = good, bad.plan = "other";
    FAILS(popcorn_connect(&bad, &client, &error), POPCORN_STATUS_REFUSED, "other");
    bad = good, bad.cancellation = popcorn_cancellation_new();
    popcorn_cancel((popcorn_cancellation *)bad.cancellation);
    FAILS(popcorn_connect(&bad, &client, &error), POPCORN_STATUS_CANCELLED, "cancelled");
    popcorn_cancellation_free((popcorn_cancellation *)bad.cancellation);
    CHECK(!client);
}

static float images[3 * PIXELS];

static void wrong_lengths(popcorn_client *client)
{
    popcorn_error *error = NULL;
    size_t label = 77, labels[2], answered = 9;
    double scores[CLASSES];
    FAILS(popcorn_infer(NULL, images, PIXELS, &label, scores, CLASSES, &error), POPCORN_STATUS_INVALID_INPUT, "client");
    FAILS(popcorn_infer(client, NULL, PIXELS, &label, scores, CLASSES, &error), POPCORN_STATUS_INVALID_INPUT, "pixels");
    FAILS(popcorn_infer(client, images, PIXELS - 1, &label, scores, CLASSES, &error), POPCORN_STATUS_INVALID_INPUT,
          "pixels has 783 elements, not 784");
    FAILS(popcorn_infer(client, images, SIZE_MAX, &label, scores, CLASSES, &error), POPCORN_STATUS_INVALID_INPUT, "pixels");
    FAILS(popcorn_infer(client, images, PIXELS, &label, scores, 9, &error), POPCORN_STATUS_INVALID_INPUT,
          "scores has 9 elements, not 10");
    FAILS(popcorn_infer(client, images, PIXELS, &label, NULL, CLASSES, &error), POPCORN_STATUS_INVALID_INPUT, "scores is NULL");
    const float *odd = (const float *)(const void *)((const char *)images + 1);
    FAILS(popcorn_infer(client, odd, PIXELS, &label, scores, CLASSES, &error), POPCORN_STATUS_INVALID_INPUT, "aligned");
    FAILS(popcorn_infer_many(client, SIZE_MAX / 2, images, PIXELS, labels, 2, NULL, 0, &answered, &error), POPCORN_STATUS_INVALID_INPUT,
          "labels");
    FAILS(popcorn_infer_many(client, 2, images, PIXELS, labels, 2, NULL, 0, &answered, &error), POPCORN_STATUS_INVALID_INPUT,
          "pixels has 784 elements, not 1568");
    FAILS(popcorn_client_plan(client, NULL, &error), POPCORN_STATUS_INVALID_INPUT, "plan is NULL");
    FAILS(popcorn_prepare(NULL, 1, NULL, &error), POPCORN_STATUS_INVALID_INPUT, "client is NULL");
    float saved = images[5];
    images[5] = 256;
    FAILS(popcorn_infer(client, images, PIXELS, &label, scores, CLASSES, &error), POPCORN_STATUS_INVALID_INPUT, "pixel 5 is 256");
    images[5] = saved;
    CHECK(label == 77 && answered == 0);
}

static void answers(popcorn_client *client)
{
    popcorn_error *error = NULL;
    popcorn_plan plan;
    size_t prepared = 0, answered = 9, label, labels[3];
    double scores[CLASSES], all[3 * CLASSES];
    CHECK(!popcorn_client_plan(client, &plan, &error) && plan.pixels == PIXELS && plan.scores == CLASSES);
    CHECK(plan.channels == 1 && plan.height == 28 && plan.width == 28 && plan.labels == 1 && plan.classes == CLASSES);
    CHECK(plan.pixel_low == 0 && plan.pixel_high == 255 && plan.key_bits == 3072 && strlen(plan.digest) == 64);
    CHECK(!popcorn_client_class_name(client, 0) && !popcorn_client_class_name(client, SIZE_MAX));
    CHECK(!popcorn_prepare(client, 2, &prepared, &error) && prepared >= 2 && !error);
    CHECK(!popcorn_infer(client, images, PIXELS, &label, scores, CLASSES, NULL));
    CHECK(!popcorn_infer_many(client, 3, images, 3 * PIXELS, labels, 3, all, 3 * CLASSES, &answered, &error) && answered == 3);
    CHECK(labels[0] == label && !memcmp(all, scores, sizeof scores));
    for (size_t class = 0; class < CLASSES; class++)
        CHECK(scores[class] <= scores[label]);
    CHECK(!popcorn_infer(client, images + PIXELS, PIXELS, NULL, scores, CLASSES, &error));
    CHECK(!memcmp(all + CLASSES, scores, sizeof scores));
    CHECK(!popcorn_infer_many(client, 0, NULL, 0, NULL, 0, NULL, 0, NULL, &error));
}

struct asker {
    popcorn_client *client;
    popcorn_status status;
    size_t label;
};

static void *ask(void *argument)
{
    struct asker *asker = argument;
    asker->status = popcorn_infer(asker->client, images, PIXELS, &asker->label, NULL, 0, NULL);
    return NULL;
}

/* Calls of several threads with one client come one after the other. */
static void threads(popcorn_client *client)
{
    struct asker askers[3];
    pthread_t thread[3];
    for (int i = 0; i < 3; i++) {
        askers[i] = (struct asker){.client = client};
        CHECK(!pthread_create(&thread[i], NULL, ask, &askers[i]));
    }
    for (int i = 0; i < 3; i++) {
        CHECK(!pthread_join(thread[i], NULL));
        CHECK(askers[i].status == POPCORN_STATUS_OK && askers[i].label == askers[0].label);
    }
}

static void cancelled(popcorn_options options)
{
    popcorn_error *error = NULL;
    popcorn_client *client = NULL;
    popcorn_cancellation *cancellation = popcorn_cancellation_new();
    options.cancellation = cancellation;
    CHECK(!popcorn_connect(&options, &client, &error));
    popcorn_cancel(cancellation);
    popcorn_cancellation_free(cancellation);
    size_t prepared = 77;
    FAILS(popcorn_prepare(client, 1, &prepared, &error), POPCORN_STATUS_CANCELLED, "cancelled");
    CHECK(prepared == 77);
    popcorn_client_free(client);
}

/* What one session prepares, the next one uses. */
static void stored(popcorn_options options)
{
    char store[4096];
    snprintf(store, sizeof store, "%s/store", folder);
    options.store = store;
    popcorn_error *error = NULL;
    for (int session = 0; session < 2; session++) {
        popcorn_client *client = NULL;
        size_t count = 0, label;
        CHECK(!popcorn_connect(&options, &client, &error));
        if (session == 0)
            CHECK(!popcorn_stock(client, 1, &count, &error) && count == 1);
        else
            CHECK(!popcorn_infer(client, images, PIXELS, &label, NULL, 0, &error));
        popcorn_client_free(client);
    }
}

int main(int argc, char **argv)
{
    CHECK(argc == 5);
    folder = argv[2];
    for (size_t i = 0; i < 3 * PIXELS; i++)
        images[i] = (float)(i * 37 % 256);
    null_is_nothing();
    popcorn_key *key = keys();
    popcorn_options options = {.address = argv[1], .key = key, .plan = argv[3]};
    unusable_options(options, argv[4]);
    popcorn_error *error = NULL;
    popcorn_client *client = NULL;
    CHECK(!popcorn_connect(&options, &client, &error) && client && !error);
    wrong_lengths(client);
    answers(client);
    threads(client);
    popcorn_client_free(client);
    cancelled(options);
    stored(options);
    popcorn_key_free(key);
    puts("all checks passed");
    return 0;
}

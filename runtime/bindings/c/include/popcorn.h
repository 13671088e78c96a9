/**
 * Popcorn's client: private predictions from a server that holds a neural network.
 *
 *     popcorn_options options = {.address = "inference.example.com:7000", .tls = true};
 *     popcorn_client *client = NULL;
 *     popcorn_error *error = NULL;
 *     size_t label;
 *     if (popcorn_connect(&options, &client, &error) == POPCORN_STATUS_OK &&
 *         popcorn_infer(client, pixels, 784, &label, NULL, 0, &error) == POPCORN_STATUS_OK)
 *         printf("%zu\n", label);
 *     else
 *         fprintf(stderr, "%s\n", popcorn_error_message(error));
 *     popcorn_error_free(error);
 *     popcorn_client_free(client);
 *
 * Errors. A function that can fail returns a status and takes `error`, which may be NULL: it is set to NULL, or, where the call
 * failed, to an error of that call alone, which the caller frees. What it held before is overwritten, not freed. Results of calls
 * that failed are not written, but handles, which are NULL then. NULL where none is allowed, lengths that do not fit the plan
 * and texts that are not UTF-8 are POPCORN_STATUS_INVALID_INPUT, found before anything is sent. After any other status the session
 * is over: free the client, and connect again.
 *
 * Memory. Handles that a function gives are freed by the function of their kind, once; arrays, texts and structures belong to the
 * caller, are used during the call alone, and have the length that is given with them. Freeing a client or a key overwrites its
 * secrets; images, labels and scores in the caller's arrays are the caller's to overwrite.
 *
 * Threads. Any thread may call anything at any time with the same handles, which wait for each other where they have to, but for
 * freeing: nobody else may use what is being freed. Calls block; popcorn_cancel ends them from another thread. After fork a
 * child frees and uses nothing of its parent's.
 */


#ifndef POPCORN_H
#define POPCORN_H

/* Made by cbindgen of the crate popcorn-c; do not edit. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * How a call ended: `POPCORN_STATUS_OK`, or whose fault it was that it failed.
 */
typedef enum popcorn_status {
    /**
     * Done.
     */
    POPCORN_STATUS_OK = 0,
    /**
     * Yours: an argument or a file cannot be used. Nothing was sent, and a client remains usable.
     */
    POPCORN_STATUS_INVALID_INPUT = 1,
    /**
     * The server sent what the protocol does not allow, or hung up. The session is over.
     */
    POPCORN_STATUS_PEER_MISBEHAVED = 2,
    /**
     * The server said that it will not go on: it is full, it ends, it has another plan, it does not know the token. The session is
     * over.
     */
    POPCORN_STATUS_REFUSED = 3,
    /**
     * The session lasted as long as sessions may, nothing was asked for too long, or a call has failed before. Connect again.
     */
    POPCORN_STATUS_SESSION_OVER = 4,
    /**
     * `popcorn_cancel` was called. The session is over.
     */
    POPCORN_STATUS_CANCELLED = 5,
    /**
     * The system's: a file, a socket, the source of randomness.
     */
    POPCORN_STATUS_SYSTEM = 6,
    /**
     * A defect of this library. The client is unusable; free it.
     */
    POPCORN_STATUS_INTERNAL = 7,
} popcorn_status;

/**
 * Ends calls that are under way in other threads. Any thread may use it.
 */
typedef struct popcorn_cancellation popcorn_cancellation;

/**
 * A session with a server. Any thread may use it; calls of several threads come one after the other. The server learns neither
 * images nor answers.
 */
typedef struct popcorn_client popcorn_client;

/**
 * Why a call failed. Its owner frees it with `popcorn_error_free`; any thread may read it.
 */
typedef struct popcorn_error popcorn_error;

/**
 * A Paillier key pair. Whoever has it can decrypt what was sent under it. Any thread may use it, and any number of clients; it is
 * overwritten in memory when it is freed and no client uses it any more.
 */
typedef struct popcorn_key popcorn_key;

/**
 * What `popcorn_connect` is told. Everything but the address may be zero, which is a default: begin with
 * `popcorn_options options = {.address = "host:7000"};`. It is read during the call alone, texts included.
 *
 * At most one of `tls`, `ca` and `pin` says by what the server is known. Without any of them there is no TLS, and servers on other
 * machines are refused unless `plaintext` is set.
 */
typedef struct popcorn_options {
    /**
     * HOST:PORT.
     */
    const char *address;
    /**
     * TLS; the server's certificate is of an authority that this system trusts.
     */
    bool tls;
    /**
     * TLS; the server's certificate is of an authority in this PEM file, or stands there itself.
     */
    const char *ca;
    /**
     * TLS; the server's certificate has this SHA-256 (64 hexadecimal digits), whatever its name, dates and authority.
     */
    const char *pin;
    /**
     * PEM file of a certificate, for servers that ask for one.
     */
    const char *certificate;
    /**
     * PEM file of its private key; both or none.
     */
    const char *certificate_key;
    /**
     * Speaks to other machines without TLS: whoever is on the way can read which messages are exchanged, and change them.
     */
    bool plaintext;
    /**
     * The client's token (64 hexadecimal digits), for servers that ask for one.
     */
    const char *token;
    /**
     * The client's key; it may be freed after the call. Without one a key is made for this client alone.
     */
    const struct popcorn_key *key;
    /**
     * The plan: 64 hexadecimal digits are its digest, and a server with another plan is refused; otherwise the name by which the
     * server offers it.
     */
    const char *plan;
    /**
     * A folder, made where there is none, whose prepared inferences are used before others are prepared, and which
     * `popcorn_stock` fills; needs `key`. One process alone has it open. Never bring it back from a backup.
     */
    const char *store;
    /**
     * Seconds after which a server is given up that takes longer over a message; 0: 600.
     */
    double timeout_seconds;
    /**
     * For so many seconds after a failure calls try again where the server could not be reached, has no place, or was lost; 0:
     * never.
     */
    double retry_seconds;
    /**
     * Ends calls from another thread; it may be freed after the call.
     */
    const struct popcorn_cancellation *cancellation;
} popcorn_options;

/**
 * What the server showed of its plan. Counts are for one image.
 */
typedef struct popcorn_plan {
    /**
     * Channels of an image. Pixels are given channel by channel, in each row by row.
     */
    size_t channels;
    /**
     * Rows of an image.
     */
    size_t height;
    /**
     * Pixels of a row.
     */
    size_t width;
    /**
     * Pixels of an image: channels · height · width.
     */
    size_t pixels;
    /**
     * Smallest raw pixel, for example 0; others are refused. The library does the model's preprocessing.
     */
    double pixel_low;
    /**
     * Largest raw pixel, for example 255.
     */
    double pixel_high;
    /**
     * Whether the three channels are blue, green, red instead of red, green, blue.
     */
    bool is_bgr;
    /**
     * Labels of an answer: 1 where images are classified, one for each position of a map, 0 where the model has no classes.
     */
    size_t labels;
    /**
     * Scores of an answer: one for each class where images are classified; 0 where the label alone is revealed.
     */
    size_t scores;
    /**
     * Classes, 0 where there are none. `popcorn_client_class_name` says what they are called.
     */
    size_t classes;
    /**
     * Length of the key that it needs.
     */
    uint32_t key_bits;
    /**
     * Its digest, to be given as `plan` in `popcorn_options`: 64 hexadecimal digits and a zero byte.
     */
    char digest[65];
} popcorn_plan;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The library's version, for example "0.1.0". It is never freed.
 */
const char *popcorn_version(void);

/**
 * How the call ended; `POPCORN_STATUS_OK` where `error` is NULL.
 */
enum popcorn_status popcorn_error_status(const struct popcorn_error *error);

/**
 * What went wrong, in English; valid until the error is freed. "" where `error` is NULL.
 */
const char *popcorn_error_message(const struct popcorn_error *error);

/**
 * Frees an error; NULL is nothing.
 */
void popcorn_error_free(struct popcorn_error *error);

/**
 * A cancellation that nobody has called. It is named in `popcorn_options`.
 */
struct popcorn_cancellation *popcorn_cancellation_new(void);

/**
 * Ends `popcorn_connect` and the calls of all clients that were connected with this cancellation, for good: they fail with
 * `POPCORN_STATUS_CANCELLED`, at once where they wait for the server, after looking up a name or making a key otherwise. NULL is
 * nothing.
 */
void popcorn_cancel(struct popcorn_cancellation *cancellation);

/**
 * Frees a cancellation; clients that were connected with it go on. NULL is nothing.
 */
void popcorn_cancellation_free(struct popcorn_cancellation *cancellation);

/**
 * Connects, learns the server's plan, and gives it the public key. Without a key of the caller's that takes half a second longer.
 */
enum popcorn_status popcorn_connect(const struct popcorn_options *options,
                                    struct popcorn_client **client,
                                    struct popcorn_error **error);

/**
 * What the server showed of its plan.
 */
enum popcorn_status popcorn_client_plan(const struct popcorn_client *client,
                                        struct popcorn_plan *plan,
                                        struct popcorn_error **error);

/**
 * What a class is called; valid until the client is freed. NULL where the plan does not say.
 */
const char *popcorn_client_class_name(const struct popcorn_client *client, size_t class_index);

/**
 * Does ahead what does not depend on the image, until `count` inferences are prepared, or as many as the server allows; `prepared`
 * (NULL where nobody wants to know) is how many are. An image then takes less time. In suite `blinded` nothing can be prepared.
 */
enum popcorn_status popcorn_prepare(struct popcorn_client *client,
                                    size_t count,
                                    size_t *prepared,
                                    struct popcorn_error **error);

/**
 * Prepares inferences for later sessions, until the store holds `count` of this key and plan or the server keeps no more;
 * `stored` (NULL where nobody wants to know) is how many it holds.
 */
enum popcorn_status popcorn_stock(struct popcorn_client *client,
                                  size_t count,
                                  size_t *stored,
                                  struct popcorn_error **error);

/**
 * Ends the session and frees the client; NULL is nothing. No other thread uses it any more. It may take two seconds where the
 * server does not close its side. With a store, what is left prepared is put into it before, unless the last call failed: then a
 * server that falls silent is waited for as in calls (`timeout_seconds`), and `popcorn_cancel` ends that.
 */
void popcorn_client_free(struct popcorn_client *client);

/**
 * The network's answer for one image of `pixel_count` raw pixels.
 *
 * `label` is the class with the largest score; NULL where nobody wants it, or the model has no classes. `scores` has room for
 * `score_count` numbers, as many as the plan says; NULL and 0 where nobody wants them.
 */
enum popcorn_status popcorn_infer(struct popcorn_client *client,
                                  const float *pixels,
                                  size_t pixel_count,
                                  size_t *label,
                                  double *scores,
                                  size_t score_count,
                                  struct popcorn_error **error);

/**
 * The network's answers for `image_count` images, one after the other in `pixels`; that takes less than asking about them one by
 * one.
 *
 * All counts are of all images together: `pixel_count` is `image_count` times the plan's `pixels`, `label_count` and
 * `score_count` likewise. `labels` and `scores` may be NULL, with a count of 0. `answered` (NULL where nobody wants to know) is how
 * many images, the first ones, have answers: all of them, or fewer where the call fails.
 */
enum popcorn_status popcorn_infer_many(struct popcorn_client *client,
                                       size_t image_count,
                                       const float *pixels,
                                       size_t pixel_count,
                                       size_t *labels,
                                       size_t label_count,
                                       double *scores,
                                       size_t score_count,
                                       size_t *answered,
                                       struct popcorn_error **error);

/**
 * Makes a key of `bits` (2048, 3072 or 4096; the plan says which it needs), which takes about half a second.
 */
enum popcorn_status popcorn_key_generate(uint32_t bits,
                                         struct popcorn_key **key,
                                         struct popcorn_error **error);

/**
 * Reads the key in a file that `popcorn_key_write` or `popcorn keygen` made, and that nobody but its owner may read. `passphrase`
 * may be NULL where the file is not encrypted.
 */
enum popcorn_status popcorn_key_read(const char *path,
                                     const char *passphrase,
                                     struct popcorn_key **key,
                                     struct popcorn_error **error);

/**
 * Writes a new file that only its owner can read, encrypted where `passphrase` is not NULL. A file that is there already is an
 * error.
 */
enum popcorn_status popcorn_key_write(const struct popcorn_key *key,
                                      const char *path,
                                      const char *passphrase,
                                      struct popcorn_error **error);

/**
 * Frees a key, and overwrites it unless a client uses it still; NULL is nothing.
 */
void popcorn_key_free(struct popcorn_key *key);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* POPCORN_H */

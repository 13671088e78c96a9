/*
 * Asks a server about a grey picture (PGM, "P5") and prints the label and all scores.
 *
 *     infer [--tls | --ca FILE | --pin SHA256] [--token HEX] [--key FILE] [--plan PLAN] HOST:PORT IMAGE.pgm
 */
#include <popcorn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next number of a PGM's header, behind blanks and comments; -1 where there is none. */
static long header_number(FILE *file)
{
    int c = fgetc(file);
    while (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '#') {
        if (c == '#')
            while (c != '\n' && c != EOF)
                c = fgetc(file);
        c = fgetc(file);
    }
    if (c < '0' || c > '9')
        return -1;
    long number = 0;
    for (; c >= '0' && c <= '9' && number < 1000000; c = fgetc(file))
        number = 10 * number + (c - '0');
    return number; /* the one blank behind it is read, too */
}

/* The pixels of a picture of the plan's size; NULL, with a word of why, where there are none. */
static float *read_pixels(const char *path, const popcorn_plan *plan)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return NULL;
    }
    float *pixels = NULL;
    unsigned char *bytes = malloc(plan->pixels);
    int is_pgm = fgetc(file) == 'P' && fgetc(file) == '5';
    long width = is_pgm ? header_number(file) : -1, height = is_pgm ? header_number(file) : -1;
    long largest = is_pgm ? header_number(file) : -1;
    if (!is_pgm || largest < 1 || largest > 255)
        fprintf(stderr, "%s: not a PGM (P5) of bytes\n", path);
    else if (plan->channels != 1 || (size_t)width != plan->width || (size_t)height != plan->height)
        fprintf(stderr, "%s: the model takes %zu x %zu x %zu\n", path, plan->channels, plan->height, plan->width);
    else if (!bytes || fread(bytes, 1, plan->pixels, file) != plan->pixels)
        fprintf(stderr, "%s: cut off\n", path);
    else if ((pixels = malloc(plan->pixels * sizeof *pixels)))
        for (size_t i = 0; i < plan->pixels; i++)
            pixels[i] = bytes[i];
    free(bytes);
    fclose(file);
    return pixels;
}

static int ask(popcorn_client *client, const char *path, popcorn_error **error)
{
    popcorn_plan plan;
    if (popcorn_client_plan(client, &plan, error) || popcorn_prepare(client, 1, NULL, error))
        return 1;
    float *pixels = read_pixels(path, &plan);
    double *scores = calloc(plan.scores + 1, sizeof *scores);
    size_t label;
    int failed = !pixels || !scores ||
                 popcorn_infer(client, pixels, plan.pixels, &label, scores, plan.scores, error);
    if (!failed) {
        const char *name = popcorn_client_class_name(client, label);
        printf("label %zu%s%s\n", label, name ? " " : "", name ? name : "");
        for (size_t i = 0; i < plan.scores; i++)
            printf("score %zu %.4f\n", i, scores[i]);
    }
    free(scores);
    free(pixels);
    return failed;
}

static int usage(void)
{
    fputs("usage: infer [--tls | --ca FILE | --pin SHA256] [--token HEX] [--key FILE] [--plan PLAN] HOST:PORT IMAGE.pgm\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    popcorn_options options = {0};
    popcorn_error *error = NULL;
    popcorn_client *client = NULL;
    popcorn_key *key = NULL;
    const char *key_file = NULL;
    int at = 1;
    for (; at < argc && !strncmp(argv[at], "--", 2); at++) {
        if (!strcmp(argv[at], "--tls")) {
            options.tls = true;
            continue;
        }
        const char **value = !strcmp(argv[at], "--ca")      ? &options.ca
                             : !strcmp(argv[at], "--pin")   ? &options.pin
                             : !strcmp(argv[at], "--token") ? &options.token
                             : !strcmp(argv[at], "--plan")  ? &options.plan
                             : !strcmp(argv[at], "--key")   ? &key_file
                                                            : NULL;
        if (!value || ++at == argc)
            return usage();
        *value = argv[at];
    }
    if (argc - at != 2)
        return usage();
    options.address = argv[at];
    int failed = key_file && popcorn_key_read(key_file, NULL, &key, &error);
    options.key = key;
    failed = failed || popcorn_connect(&options, &client, &error) || ask(client, argv[at + 1], &error);
    if (error)
        fprintf(stderr, "%s\n", popcorn_error_message(error));
    popcorn_error_free(error);
    popcorn_client_free(client);
    popcorn_key_free(key);
    return failed;
}

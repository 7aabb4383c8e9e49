/* The shim's named objects: clients, pending logins, token sets, token sources, cancels. */

#ifndef OBJECTS_H
#define OBJECTS_H

enum kind { CLIENT, PENDING, TOKENS, SOURCE, CANCEL, KINDS };

/* The object of this kind and name; NULL where there is none, which is for the library to refuse. */
void *object_find(enum kind kind, const char *name);

/* Keeps an object; one that had its kind and name before is freed. */
void object_keep(enum kind kind, const char *name, void *object);

/* The cancel of this name, made when first asked for. */
void *object_cancel(const char *name);

#endif

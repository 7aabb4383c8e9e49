"""What signing in needs of the settings: `pip install django requests sipgate-oauth2`."""

import os
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path(os.environ.get("DATA_FOLDER", "."))

SECRET_KEY = os.environ["SESSION_SECRET"]
# Where users find this application. On your own machine, it may be http.
HOME = urlsplit(os.environ["SIPGATE_REDIRECT_URI"])
ALLOWED_HOSTS = [HOME.hostname]
CSRF_TRUSTED_ORIGINS = [f"{HOME.scheme}://{HOME.netloc}"]
SESSION_COOKIE_SECURE = HOME.scheme == "https"
SESSION_COOKIE_SAMESITE = "Lax"
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.sessions", "logins"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "views.SignInErrors",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["."]}]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "db.sqlite3",
        # In SQLite, a request that reads would otherwise keep the store from writing.
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL"},
        # A database in memory would belong to the thread of the test.
        "TEST": {"NAME": FOLDER / "test.sqlite3"},
        "ATOMIC_REQUESTS": True,
    }
}

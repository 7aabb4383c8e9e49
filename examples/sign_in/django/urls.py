import views
from django.urls import path

urlpatterns = [
    path("", views.home),
    path("login", views.login),
    path("auth", views.auth),
    path("balance", views.balance),
    path("logout", views.logout),
    path("backchannel-logout", views.backchannel_logout),
]

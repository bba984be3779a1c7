{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "ca80f30658655c883392a11ade00ae85bc98b8cc976f45ed13713d7e5d4276a0",
      "sig": "edde4f1bae332ea1d461ee51fac64cfe13faff4e222058cc078177d12d48b6e8f3cfb7925f6665e86cb297e34ea7d2d2f7114e85825bd08699aea5abf2f7900c"
    }
  ]
}
